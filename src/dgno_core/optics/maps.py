"""Random maps of the blur width: smooth, or in regions with jumps between them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom
from scipy.spatial import cKDTree

Range: TypeAlias = tuple[float, float]
MapKind: TypeAlias = Literal["smooth", "regions"]


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


def region_map(
    shape: tuple[int, int], widths: Range, rng: np.random.Generator, *, sites: int = 12
) -> NDArray[np.float64]:
    """Draw a map of regions with one width each, as where cells lie over one another.

    A pixel belongs to the nearest of some random points. The regions' widths are equally spaced
    from the lowest to the highest, in random order.

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
    points = rng.random((sites, 2)) * shape
    values = rng.permutation(np.linspace(low, high, sites))
    pixels = np.moveaxis(np.mgrid[: shape[0], : shape[1]], 0, -1) + 0.5
    return np.asarray(values[cKDTree(points).query(pixels)[1]], dtype=np.float64)


def width_map(
    kind: MapKind, shape: tuple[int, int], widths: Range, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw a map of the named kind with its default roughness."""
    if kind == "smooth":
        return smooth_map(shape, widths, rng)
    if kind == "regions":
        return region_map(shape, widths, rng)
    raise ValueError(f"the map must be 'smooth' or 'regions', not {kind!r}")


def _checked(widths: Range) -> Range:
    low, high = widths
    if not 0 < low <= high:
        raise ValueError(f"blur widths must be positive and in rising order, not {widths}")
    return low, high
