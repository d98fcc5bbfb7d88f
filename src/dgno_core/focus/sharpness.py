"""How sharp an image is: three focus measures, as plain functions of one image.

All of them

- do not change with brightness: neither with a gain nor with an offset of the whole image;
- take off what noise contributes, so that a blurred and noisy plane does not count as sharp. The
  noise is estimated from the image itself and taken to be independent from pixel to pixel; noise
  that is smeared over several pixels (by resampling, or by JPEG) is not recognised, and a texture
  as fine as the pixels is taken for noise;
- are 0 for an image that holds nothing but noise, or nothing at all.

Values of one measure can be compared between planes of one stack, not between specimens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft, ndimage

from dgno_core.data.grey import Floats, as_grey
from dgno_core.errors import DGNOError

Measure: TypeAlias = Literal["laplacian", "tenengrad", "spectral"]

SMOOTHING = 1.0  # px, standard deviation of the Gaussian before each derivative
BAND = (0.06, 0.25)  # cycles a pixel
FLOOR_FROM = 0.4  # cycles a pixel; a microscope image holds only noise beyond
NOISE_MASK = np.outer((1, -2, 1), (1, -2, 1)) / 6.0  # keeps the variance of white noise


def noise_level(image: ArrayLike) -> float:
    """Standard deviation of the noise, in the image's own units.

    The median of an image's second mixed difference, in which edges count little [1]_.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, 3)``.

    References
    ----------
    .. [1] Immerkær, Fast noise variance estimation, CVIU 64, 300-302 (1996); here with a median.
    """
    difference = ndimage.convolve(as_grey(image), NOISE_MASK, mode="mirror")[1:-1, 1:-1]
    return float(np.median(np.abs(difference)) / 0.6745)


def variance_of_laplacian(image: ArrayLike, smoothing: float = SMOOTHING) -> float:
    """Variance of the Laplacian of a smoothed image, relative to that image's variance.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, 3)``, any units.
    smoothing
        Standard deviation of the Gaussian in pixels, which makes it robust to noise.

    Returns
    -------
    float
        1 / px^4, at least 0; larger is sharper.

    Raises
    ------
    DGNOError
        If the image is no plane, too small, or not finite.
    """
    return _relative_energy(as_grey(image), ("laplacian",), smoothing)


def tenengrad(image: ArrayLike, smoothing: float = SMOOTHING) -> float:
    """Mean squared gradient (Sobel) of a smoothed image, relative to that image's variance.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, 3)``, any units.
    smoothing
        Standard deviation of the Gaussian in pixels, which makes it robust to noise.

    Returns
    -------
    float
        1 / px^2, at least 0; larger is sharper.

    Raises
    ------
    DGNOError
        If the image is no plane, too small, or not finite.
    """
    return _relative_energy(as_grey(image), ("sobel_y", "sobel_x"), smoothing)


def high_frequency_share(image: ArrayLike, band: tuple[float, float] = BAND) -> float:
    """Share of the spectral power (without the mean) that lies in a band of high frequencies.

    The power beyond 0.4 cycles a pixel is taken for that of the noise, and taken off.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, 3)``, any units.
    band
        Lowest and highest frequency, cycles a pixel, at most 0.4.

    Returns
    -------
    float
        0 to 1; larger is sharper.

    Raises
    ------
    DGNOError
        If the image is no plane, too small, or not finite.
    """
    grey = as_grey(image)
    window = np.outer(*(np.hanning(n + 2)[1:-1] for n in grey.shape))
    centred = window * (grey - np.average(grey, weights=window))
    power: Floats = np.abs(fft.rfft2(centred)) ** 2
    y, x = fft.fftfreq(grey.shape[0])[:, None], fft.rfftfreq(grey.shape[1])[None]
    frequency = np.hypot(y, x)
    floor = float(power[frequency >= FLOOR_FROM].mean())
    within = (frequency >= band[0]) & (frequency <= band[1])
    total = power[frequency > 0].sum()
    if not total > _rounding(grey) * grey.size:
        return 0.0
    signal = power[within].sum() - floor * within.sum() * _margin(grey.size)
    return float(max(0.0, signal) / total)


MEASURES: dict[Measure, Callable[[ArrayLike], float]] = {
    "laplacian": variance_of_laplacian,
    "tenengrad": tenengrad,
    "spectral": high_frequency_share,
}


def focus_measure(name: str) -> Callable[[ArrayLike], float]:
    """Return the measure of that name.

    Raises
    ------
    DGNOError
        If there is none.
    """
    if name not in MEASURES:
        raise DGNOError(f"There is no focus measure {name!r}; choose from {', '.join(MEASURES)}.")
    return MEASURES[name]


def _relative_energy(grey: Floats, operators: tuple[str, ...], smoothing: float) -> float:
    """Energy of a smoothed image's derivatives, less that of noise, relative to its variance."""
    if not float(grey.var()) > _rounding(grey):
        return 0.0
    smooth = ndimage.gaussian_filter(grey, smoothing, mode="mirror") if smoothing else grey
    noise = noise_level(grey) ** 2
    energy = 0.0
    for operator in operators:
        energy += float(_derivative(smooth, operator).var())
        energy -= noise * _noise_gain(operator, smoothing) * _margin(grey.size)
    # The noise below the line keeps a plane that is nearly empty from counting as sharp.
    return max(0.0, energy) / (float(smooth.var()) + noise)


def _derivative(image: Floats, operator: str) -> Floats:
    if operator == "laplacian":
        result: Floats = ndimage.laplace(image, mode="mirror")
        return result
    axis = 0 if operator == "sobel_y" else 1
    gradient: Floats = ndimage.sobel(image, axis, mode="mirror") / 8
    return gradient


@lru_cache(maxsize=32)
def _noise_gain(operator: str, smoothing: float) -> float:
    """What an operator makes of the variance of white noise: the sum of its squared weights."""
    side = 2 * int(np.ceil(4 * smoothing) + 3) + 1
    spot = np.zeros((side, side))
    spot[side // 2, side // 2] = 1
    smooth = ndimage.gaussian_filter(spot, smoothing, mode="mirror") if smoothing else spot
    return float((_derivative(smooth, operator) ** 2).sum())


def _margin(pixels: int) -> float:
    """By how much more than the estimated noise is taken off: its scatter in so few pixels."""
    return 1.02 + 6 / float(np.sqrt(pixels))


def _rounding(grey: Floats) -> float:
    """Variance that rounding alone can give a constant image."""
    peak: Any = np.abs(grey).max(initial=0)
    return float((1e-6 * peak) ** 2)
