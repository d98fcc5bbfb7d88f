from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dgno_core.optics import focal_stack


def sharpness(plane: NDArray[np.uint16]) -> float:
    """Energy of the differences at a distance of four pixels, where the noise adds little."""
    values = plane.astype(np.float64)
    return float(np.mean((values[4:] - values[:-4]) ** 2))


@pytest.mark.parametrize("in_focus", [None, 1])
def test_the_plane_in_focus_is_the_sharpest_and_known(in_focus: int | None) -> None:
    stack = focal_stack((5, 80, 96), in_focus=in_focus)
    assert stack.data.shape == (5, 80, 96)
    assert stack.data.dtype == np.uint16
    assert stack.in_focus == (2 if in_focus is None else in_focus)
    assert np.argmax([sharpness(plane) for plane in stack.data]) == stack.in_focus
    assert np.argmin(stack.widths) == stack.in_focus


def test_blur_grows_on_both_sides_of_the_focus() -> None:
    stack = focal_stack((7, 80, 96))
    values = [sharpness(plane) for plane in stack.data]
    assert values[:4] == sorted(values[:4])
    assert values[3:] == sorted(values[3:], reverse=True)


def test_the_focus_plane_is_the_sharp_scene_plus_noise() -> None:
    stack = focal_stack((3, 80, 96))
    difference = stack.data[1].astype(float) - stack.sharp
    assert abs(difference.mean()) < 3
    assert 0 < difference.std() < 0.2 * stack.sharp.std()


def test_the_seed_decides() -> None:
    first, again, other = (focal_stack((2, 40, 48), seed=seed).data for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_focus_outside_the_stack_is_refused() -> None:
    with pytest.raises(ValueError, match="one of the 3 planes"):
        focal_stack((3, 40, 48), in_focus=3)
