"""Exact blur for a map of few values: blur once for each of them, and choose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import fftconvolve

Floats = NDArray[np.float64]

MOST_VALUES = 256  # beyond this many, a map was hardly meant to be in pieces


def blur_piecewise(image: ArrayLike, values: ArrayLike, psf: Callable[[float], Floats]) -> Floats:
    """Blur every pixel with the kernel that belongs to its value in a map.

    The same gather form as `dgno_core.optics.blur_varying`, for any kernel: such as the defocused
    Airy pattern, with a map of distances from the focal plane.

    Parameters
    ----------
    image
        ``(Y, X)`` or, in colour, ``(Y, X, S)``.
    values
        ``(Y, X)``: at most 256 different ones.
    psf
        Kernel of a value: with odd sides and sum 1.

    Returns
    -------
    float64 of `image`'s shape.
    """
    pixels, places = np.asarray(image, dtype=np.float64), np.asarray(values)
    if pixels.shape[:2] != places.shape:
        raise ValueError(f"the map {places.shape} must be as large as the image {pixels.shape}")
    levels = np.unique(places)
    if len(levels) > MOST_VALUES:
        raise ValueError(f"the map has {len(levels)} different values, more than {MOST_VALUES}")
    blurred = np.empty_like(pixels)
    for level in levels:
        here = places == level
        blurred[here] = convolve_mirrored(pixels, psf(float(level)))[here]
    return blurred


def convolve_mirrored(image: Floats, kernel: Floats) -> Floats:
    """Convolve ``(Y, X)`` or ``(Y, X, S)`` with one kernel; the border is mirrored.

    The edge pixel is repeated (numpy's ``symmetric``), as in `dgno_core.optics.blur_varying`.
    """
    if kernel.ndim != 2 or any(side % 2 == 0 for side in kernel.shape):
        raise ValueError(f"the kernel must be two-dimensional with odd sides, not {kernel.shape}")
    colour = image.ndim - 2
    frame = [(side // 2, side // 2) for side in kernel.shape] + [(0, 0)] * colour
    padded = np.pad(image, frame, mode="symmetric")
    kernel = kernel.reshape(*kernel.shape, *[1] * colour)
    return np.asarray(fftconvolve(padded, kernel, mode="valid", axes=(0, 1)))
