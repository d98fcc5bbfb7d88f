"""Random maps of the blur width: smooth ones, and piecewise constant ones with jumps."""

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


def block_map(
    shape: tuple[int, int], widths: Range, rng: np.random.Generator, *, sites: int = 12
) -> NDArray[np.float64]:
    """Draw a map of regions of constant width with jumps between them, as at overlapping objects.

    Each pixel belongs to the nearest of `sites` random points; the regions' widths are a random
    permutation of equally spaced values from the lowest to the highest.

    Parameters
    ----------
    shape
        ``(Y, X)`` of the map.
    widths
        Lowest and highest blur width, in pixels.
    rng
        Source of randomness; the same generator state gives the same map.
    sites
        Number of regions, at least 2.
    """
    low, high = _checked(widths)
    points = rng.random((sites, 2)) * np.asarray(shape)
    values = rng.permutation(np.linspace(low, high, sites))
    y, x = np.mgrid[: shape[0], : shape[1]]
    nearest = np.zeros(shape, dtype=np.intp)
    best = np.full(shape, np.inf)
    for index, (py, px) in enumerate(points):
        distance = (y - py) ** 2 + (x - px) ** 2
        closer = distance < best
        nearest[closer], best[closer] = index, distance[closer]
    return np.asarray(values[nearest], dtype=np.float64)


def _checked(widths: Range) -> Range:
    low, high = widths
    if not 0 < low <= high:
        raise ValueError(f"blur widths must be positive and in rising order, not {widths}")
    return low, high
