"""Pixels that are no numbers: refused with a way out, or kept as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dgno_core.errors import DGNOError
from dgno_core.inference import (
    RestoreConfig,
    Restored,
    Restorer,
    RestoreWarned,
    restore,
    restore_events,
)
from dgno_core.inference.gaps import fill_gaps
from dgno_core.io.normalise import FULL, RangeSampler

Fake = Callable[..., Any]
pytestmark = pytest.mark.filterwarnings("ignore::dgno_core.errors.RestoreWarning")
KEEP = RestoreConfig(axes="ZYX", device="cpu", nonfinite="keep")


@pytest.fixture
def stack() -> np.ndarray:
    """Three planes of floats, of which the second has a corner of NaN and an infinite pixel."""
    image = np.random.default_rng(5).normal(300, 40, (3, 48, 40)).astype(np.float32)
    image[1, :9, :7] = np.nan
    image[1, 30, 20] = np.inf
    return image


def test_the_refusal_names_the_way_out(stack: np.ndarray, fake: Fake) -> None:
    with pytest.raises(
        DGNOError, match=r"NaN or infinite.*Z = 1.*nonfinite keep.*nonfinite='keep'"
    ):
        restore(stack, fake(), axes="ZYX", device="cpu")


def test_gaps_stay_and_all_else_is_restored(stack: np.ndarray, fake: Fake) -> None:
    *events, last = restore_events(stack, KEEP, model=fake())
    assert isinstance(last, Restored)
    gaps = ~np.isfinite(stack)
    np.testing.assert_array_equal(last.data[gaps], stack[gaps])
    assert np.isfinite(last.data[~gaps]).all()
    assert (last.data[~gaps] != stack[~gaps]).mean() > 0.9
    said = [event.message for event in events if isinstance(event, RestoreWarned)]
    assert any("64 values of image are NaN or infinite" in message for message in said)
    assert last.provenance.warnings == said
    assert last.provenance.settings["nonfinite"] == "keep"
    assert "--nonfinite keep" in last.provenance.command


def test_a_finite_image_gives_the_same_pixels(stack: np.ndarray, fake: Fake) -> None:
    finite = np.nan_to_num(stack, nan=280, posinf=310)
    expected = restore(finite, fake(), axes="ZYX", device="cpu")
    kept = restore(finite, fake(), axes="ZYX", device="cpu", nonfinite="keep")
    np.testing.assert_array_equal(kept, expected)


@pytest.mark.parametrize("normalise", ["stack", "plane"])
def test_a_gap_moves_no_pixel_far_from_it(stack: np.ndarray, fake: Fake, normalise: str) -> None:
    # The fake sees two pixels far, and its result does not depend on the range but for rounding.
    finite = np.nan_to_num(stack, nan=280, posinf=310)
    expected = restore(finite, fake(), axes="ZYX", device="cpu", normalise=normalise)
    kept = restore(stack, fake(), axes="ZYX", device="cpu", normalise=normalise, nonfinite="keep")
    far = np.ones(stack.shape, bool)
    far[1, :11, :9] = far[1, 28:33, 18:23] = False
    np.testing.assert_allclose(kept[far], expected[far], rtol=1e-5)


def test_a_plane_without_a_number_comes_back(stack: np.ndarray, fake: Fake) -> None:
    stack[2] = np.nan
    restored = restore(stack, fake(), axes="ZYX", device="cpu", nonfinite="keep")
    assert np.isnan(restored[2]).all()
    assert np.isfinite(restored[0]).all()


def test_a_preview_keeps_gaps_too(stack: np.ndarray, fake: Fake) -> None:
    whole = restore(stack, fake(), axes="ZYX", device="cpu", nonfinite="keep")
    part = Restorer.of(KEEP, fake()).region(stack, (slice(0, 16), slice(0, 24)), (1,))
    np.testing.assert_array_equal(np.isnan(part), np.isnan(whole[1, :16, :24]))
    np.testing.assert_allclose(part, whole[1, :16, :24], rtol=1e-5)


def test_ranges_are_those_of_the_numbers() -> None:
    numbers = np.arange(1000, dtype=np.float32)
    sampler = RangeSampler(1300, 13)
    sampler.add(np.concatenate([numbers, np.full(200, np.nan), [np.inf] * 50, [-np.inf] * 50]))
    assert (sampler.range(FULL).low, sampler.range(FULL).high) == (0, 999)
    found = sampler.range((1, 99))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(numbers, (1, 99))))


def test_ranges_of_nothing_are_constant() -> None:
    sampler = RangeSampler(6, 3)
    sampler.add(np.full((2, 3), np.nan, np.float32))
    assert sampler.range((1, 99)).is_constant


def test_whole_numbers_are_not_copied() -> None:
    plane = np.ones((1, 4, 4), np.uint16)
    assert fill_gaps(plane).samples is plane
