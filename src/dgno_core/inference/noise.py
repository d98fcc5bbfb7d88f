"""How noisy an image is, from the image alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, gaussian_filter

Floats = NDArray[np.float32]

# Differences of second differences (Immerkær 1996): zero on every quadratic surface, so what the
# optics have blurred hardly shows. Scaled so that noise keeps its standard deviation.
_STENCIL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
_BINS = 16
_LEAST = 64  # pixels of a bin that a median can be taken of
_FLOOR = 1e-4  # of the range: images without any noise


@dataclass(frozen=True)
class Noise:
    """Camera noise of a channel: its variance is ``shot * intensity + read**2``.

    Attributes
    ----------
    shot
        Variance for each unit of intensity above zero; one over the photons at intensity 1.
    read
        Standard deviation at intensity 0.
    """

    shot: float
    read: float

    def deviation(self, intensity: NDArray[np.floating] | float) -> Floats:
        """Return the standard deviation of the noise where the image has that intensity."""
        light = np.clip(np.asarray(intensity, np.float32), 0, None)
        return np.sqrt(self.shot * light + self.read**2, dtype=np.float32)


def estimate_noise(channel: Floats, step: float = 0.0) -> Noise:
    """Estimate noise from the finest ripple of an image.

    A sharp image whose structure is as fine as its pixels looks noisier than it is.

    Parameters
    ----------
    channel
        ``(Y, X)``, where 0 is dark.
    step
        Distance of two neighbouring values that the pixels can take; the rounding to them is
        noise too.

    Returns
    -------
    Noise
        Never less than the rounding, or a ten thousandth of the unit.
    """
    least = max(step / np.sqrt(12), _FLOOR)
    ripple = np.abs(convolve(channel, _STENCIL, mode="reflect")).ravel()
    light = gaussian_filter(channel, 1.5, mode="reflect").ravel()
    order = np.argsort(light)
    bins = np.array_split(order, max(min(_BINS, order.size // _LEAST), 1))
    # 1.4826 times the median of absolute deviations is the standard deviation of a normal law.
    variances = np.array([(1.4826 * np.median(ripple[bin_])) ** 2 for bin_ in bins])
    intensities = np.clip([light[bin_].mean() for bin_ in bins], 0, None)
    shot, read = _line(intensities, np.maximum(variances, least**2))
    return Noise(shot, float(np.sqrt(max(read, least**2))))


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Fit ``y = slope x + start`` to variances, with neither below zero."""
    from scipy.optimize import nnls

    # The error of a variance grows with it: each counts by its inverse.
    (slope, start), _ = nnls(np.stack([x / y, 1 / y], axis=1), np.ones_like(y))
    return float(slope), float(start)
