"""How blurred the sharpest edges of an image are, from the image alone."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_gradient_magnitude

Floats = NDArray[np.float32]

_SCALES = (2.0, 4.0)  # px: sigmas at which slopes are compared with those at twice the scale
_EDGES = 0.02  # of the pixels: the steepest, which are taken for edges
_CLEAR = 6.0  # standard deviations by which the slope of an edge is above noise
_FEWEST = 20  # pixels
_WIDEST = 20.0  # px: from here on slopes hardly tell widths apart


def edge_width(channel: Floats, deviation: float) -> float:
    """Estimate the blur of the sharpest edges of an image.

    A straight step blurred by w has, at a further blur of s, a slope in proportion to
    1 / sqrt(w^2 + s^2); the ratio of the slopes at two scales gives w (after Zhuo & Sim 2011).
    Structure that is soft by itself looks blurred too.

    Parameters
    ----------
    channel
        ``(Y, X)``.
    deviation
        Standard deviation of its noise.

    Returns
    -------
    Gaussian sigma in pixels, at most 20; nan if no edge stands out from the noise.
    """
    widths = []
    for scale in _SCALES:
        fine, coarse = (
            gaussian_gradient_magnitude(channel, sigma, mode="reflect")
            for sigma in (scale, 2 * scale)
        )
        clear = _CLEAR * deviation / (sqrt(8 * np.pi) * scale**2)
        edges = fine >= max(float(np.quantile(fine, 1 - _EDGES)), clear)
        if edges.sum() < _FEWEST:
            continue
        ratio = float(np.median(fine[edges] / np.maximum(coarse[edges], 1e-12))) ** 2
        variance = (4 - ratio) * scale**2 / max(ratio - 1, 1e-6)
        widths.append(min(sqrt(max(variance, 0)), _WIDEST))
    return min(widths, default=float("nan"))


def sharpest_edges(channels: Floats, deviations: tuple[float, ...]) -> float:
    """Return the blur of the sharpest edges of all channels, as `edge_width` has it.

    Parameters
    ----------
    channels
        ``(C, Y, X)``.
    deviations
        Standard deviation of the noise of each.
    """
    widths = map(edge_width, channels, deviations)
    return min((width for width in widths if np.isfinite(width)), default=float("nan"))
