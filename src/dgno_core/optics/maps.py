"""Random maps of the blur width."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

Range = tuple[float, float]


def smooth_map(
    shape: tuple[int, int], widths: Range, rng: np.random.Generator, *, grid: int = 4
) -> NDArray[np.float64]:
    """Draw a map that changes slowly, as in a tilted or uneven sample.

    A coarse `grid` x `grid` of uniform random numbers, enlarged by cubic splines and rescaled so
    that its minimum and maximum are exactly the ends of `widths`.

    Parameters
    ----------
    shape
        ``(Y, X)`` of the map.
    widths
        Lowest and highest blur width, in pixels.
    rng
        Source of randomness; the same generator state gives the same map.
    grid
        Random values along each axis, at least 2.
    """
    low, high = _checked(widths)
    coarse = rng.random((grid, grid))
    fine = zoom(coarse, (shape[0] / grid, shape[1] / grid), order=3, mode="nearest", grid_mode=True)
    fine = fine - fine.min()
    return np.asarray(low + (high - low) * fine / fine.max(), dtype=np.float64)


def _checked(widths: Range) -> Range:
    low, high = widths
    if not 0 < low <= high:
        raise ValueError(f"blur widths must be positive and in rising order, not {widths}")
    return low, high
