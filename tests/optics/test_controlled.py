from __future__ import annotations

import numpy as np
import pytest

from dgno_core.optics import SceneRanges, blur_varying, controlled_pair, controlled_scene
from dgno_core.optics.maps import MapKind

NONE = (0, 0)


def only(**shapes: tuple[int, int]) -> SceneRanges:
    counts = {"squares": NONE, "boxes": NONE, "lines": NONE} | shapes
    return SceneRanges(background=(0.1, 0.1), brightness=(0.9, 0.9), **counts)


def test_the_seed_decides() -> None:
    np.testing.assert_array_equal(controlled_scene(5), controlled_scene(5))
    assert np.abs(controlled_scene(5) - controlled_scene(6)).max() > 0.1


def test_a_scene_is_sharp_and_in_range() -> None:
    for seed in range(5):
        scene = controlled_scene(seed, (120, 90))
        assert scene.shape == (120, 90)
        assert scene.min() >= 0
        assert scene.max() <= 1
        assert 5 <= len(np.unique(scene)) <= 25  # the background and one value per object


@pytest.mark.parametrize("seed", range(5))
def test_a_square_is_filled(seed: int) -> None:
    lit = controlled_scene(seed, ranges=only(squares=(1, 1))) > 0.5
    rows, columns = np.flatnonzero(lit.any(1)), np.flatnonzero(lit.any(0))
    assert lit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert 6 <= max(len(rows), len(columns)) <= 64


def test_a_box_is_hollow_with_a_thin_wall() -> None:
    hollow = 0
    for seed in range(8):
        lit = controlled_scene(seed, ranges=only(boxes=(1, 1))) > 0.5
        rows, columns = np.flatnonzero(lit.any(1)), np.flatnonzero(lit.any(0))
        inside = lit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if min(inside.shape) < 12:
            continue  # most of it lies beyond the border, or it is as small as its walls
        hollow += 1
        assert not inside[6:-6, 6:-6].any()
        walls = inside[:2], inside[-2:], inside[:, :2], inside[:, -2:]
        assert any(wall.all() for wall in walls)
    assert hollow > 3


def test_a_line_is_thin_and_long() -> None:
    for seed in range(8):
        lit = controlled_scene(seed, ranges=only(lines=(1, 1))) > 0.5
        rows, columns = np.nonzero(lit)
        length = np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1)
        assert length < 164
        assert lit.sum() <= 4.5 * length
        assert lit.sum() >= 0.6 * length


@pytest.mark.parametrize("kind", ["smooth", "regions"])
def test_a_pair_is_blurred_exactly_and_the_seed_decides(kind: MapKind) -> None:
    ranges = SceneRanges(side=(4, 12), length=(8.0, 30.0))
    pair = controlled_pair(7, (0.6, 4), kind, shape=(48, 40), ranges=ranges)
    np.testing.assert_array_equal(pair.sharp, controlled_scene(7, (48, 40), ranges))
    np.testing.assert_array_equal(pair.blurred, blur_varying(pair.sharp, pair.widths))
    again = controlled_pair(7, (0.6, 4), kind, shape=(48, 40), ranges=ranges)
    np.testing.assert_array_equal(again.blurred, pair.blurred)
    assert pair.widths.min() == pytest.approx(0.6)
    assert pair.widths.max() == pytest.approx(4)
    assert (len(np.unique(pair.widths)) <= 12) == (kind == "regions")
