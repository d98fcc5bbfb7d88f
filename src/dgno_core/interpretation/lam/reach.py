"""How far an attribution map reaches: as a distance, and as a smooth picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgno_core.interpretation.lam.settings import Window

Floats = NDArray[np.float64]


def reach(magnitude: NDArray[np.floating], box: Window, share: float = 0.9) -> float:
    """Return how far from a box one must go to find a share of all attribution.

    Parameters
    ----------
    magnitude
        ``(Y, X)``, not negative.
    box
        In pixels of `magnitude`.
    share
        Between 0 and 1.

    Returns
    -------
    float
        Pixels; 0 is inside the box. NaN for a map of zeros.
    """
    if not magnitude.any():
        return float("nan")
    down = _distance(magnitude.shape[0], box.y, box.height)
    right = _distance(magnitude.shape[1], box.x, box.width)
    distance = np.hypot(down[:, None], right).ravel()
    order = np.argsort(distance, kind="stable")
    gathered = np.cumsum(magnitude.ravel()[order], dtype=np.float64)
    return float(distance[order[np.searchsorted(gathered, share * gathered[-1])]])


def smoothed(magnitude: NDArray[np.floating]) -> tuple[Floats, tuple[float, float]]:
    """Smooth a map to show where its weight lies, as a kernel density estimate would.

    The method estimates a density with Gaussian kernels (Scott's rule), which takes a time that
    grows with the square of the number of pixels. This filters with Gaussians of the same widths
    along Y and X instead; it leaves out that such a kernel may lie askew.

    Parameters
    ----------
    magnitude
        ``(Y, X)``, not negative.

    Returns
    -------
    tuple
        The smooth map, 0 ... 1, and the widths of the Gaussian along Y and X in pixels.
    """
    from scipy.ndimage import gaussian_filter

    weights = magnitude.astype(np.float64)
    total = weights.sum()
    if total == 0:
        return weights, (0.0, 0.0)
    effective = total**2 / (weights**2).sum()
    # As many pixels as count, to the power of -1 / (dimensions + 4); the variance is unbiased.
    factor = effective ** (-1 / 6) * np.sqrt(effective / max(effective - 1, 1e-9))
    widths = (
        _width(weights.sum(axis=1) / total) * factor,
        _width(weights.sum(axis=0) / total) * factor,
    )
    smooth = gaussian_filter(weights, widths, mode="constant")
    return np.asarray(smooth / smooth.max()), widths


def _distance(length: int, start: int, size: int) -> Floats:
    """Distance in pixels of each place to a stretch."""
    places = np.arange(length, dtype=np.float64)
    return np.maximum(np.maximum(start - places, places - (start + size - 1)), 0)


def _width(density: Floats) -> float:
    """Return the standard deviation of a density on pixels."""
    places = np.arange(density.size)
    mean = density @ places
    return float(np.sqrt(density @ (places - mean) ** 2))
