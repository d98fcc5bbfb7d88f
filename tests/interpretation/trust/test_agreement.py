"""Flips and rotations: exact inverses, no variance where there is none, one pass for each."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
import torch
from torch.nn import functional

from dgno_core.interpretation.trust.agreement import (
    ORIENTATIONS,
    Agreement,
    count_tiles,
    restore_all_ways,
    turn,
    turn_back,
)
from support.trust import network_of, scene


def finish(work: object) -> tuple[int, Agreement]:
    steps = 0
    while True:
        try:
            next(work)  # type: ignore[call-overload]
        except StopIteration as finished:
            return steps, finished.value
        steps += 1


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_turning_back_undoes_turning(orientation: int, rng: np.random.Generator) -> None:
    image = rng.random((3, 5, 8)).astype(np.float32)
    np.testing.assert_array_equal(turn_back(turn(image, orientation), orientation), image)


def test_the_eight_orientations_differ(rng: np.random.Generator) -> None:
    image = rng.random((1, 6, 6)).astype(np.float32)
    assert len({turn(image, orientation).tobytes() for orientation in ORIENTATIONS}) == 8


def test_an_equivariant_network_agrees_with_itself() -> None:
    pixels = scene(64)
    steps, found = finish(restore_all_ways(network_of(lambda x: 2 * x + 1), pixels, 64, count()))
    np.testing.assert_array_equal(found.restored, 2 * pixels + 1)
    assert found.spread.max() == 0
    assert steps == 8


def test_tiles_add_no_more_than_rounding() -> None:
    pixels = scene(150)[:, :64]
    network = network_of(lambda x: 2 * x + 1)
    steps, found = finish(restore_all_ways(network, pixels, 64, count()))
    np.testing.assert_allclose(found.restored, 2 * pixels + 1, atol=1e-6)
    assert found.spread.max() < 1e-6
    assert steps == count_tiles(network, pixels, 64) > 8


def test_a_network_that_knows_left_and_right_is_found_out() -> None:
    pixels = scene(64)
    shifted = network_of(lambda x: functional.pad(x, (1, 0, 0, 0), "replicate")[..., :-1])
    _, found = finish(restore_all_ways(shifted, pixels, 64, count()))
    turned = [
        turn_back(np.pad(turn(pixels, o), ((0, 0), (0, 0), (1, 0)), "edge")[..., :-1], o)
        for o in ORIENTATIONS
    ]
    np.testing.assert_allclose(found.spread, np.std(turned, axis=0), atol=1e-6)
    np.testing.assert_array_equal(found.restored, turned[0])
    assert found.spread.max() > 0.05


def test_windows_are_no_larger_than_the_tile() -> None:
    shapes = []

    def look(x: torch.Tensor) -> torch.Tensor:
        shapes.append(max(x.shape[2:]))
        return x

    finish(restore_all_ways(network_of(look), scene(150), 64, count()))
    assert max(shapes) == 64
