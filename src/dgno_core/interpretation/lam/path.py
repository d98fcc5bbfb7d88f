"""The path from a blurred image to the image itself, and how fast it moves.

Gaussians of falling width, sigma_k = sigma (1 - k / n) for k = 0 ... n, blur the image. Step i
stands at gamma_i, the image under Gaussian i, and has come there with the speed
n (gamma_i - gamma_{i-1}), so that all speeds over n sum to the image less its most blurred version.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError

Floats = NDArray[np.float64]
SHARPEST = 1e-5  # px: added to every width, so that the last Gaussian is a single point, not 0 / 0


def blur_widths(sigma: float, steps: int) -> Floats:
    """Return the ``(steps + 1,)`` widths in pixels, from `sigma` to 0."""
    return np.linspace(sigma, 0, steps + 1)


def blur_profile(width: float, size: int) -> Floats:
    """Return a Gaussian sampled at `size` pixels, of sum 1.

    Raises
    ------
    DGNOError
        If `size` is even: the blur would shift the image by half a pixel.
    """
    if size % 2 == 0 or size < 1:
        raise DGNOError(
            f"The blur kernel must have an odd side, so that it has a middle, not {size}."
        )
    place = np.arange(size) - (size - 1) / 2
    profile = np.exp(-(place**2) / (2 * (width + SHARPEST) ** 2))
    return np.asarray(profile / profile.sum())


def blur_kernel(width: float, size: int) -> Floats:
    """Return the ``(size, size)`` Gaussian of sum 1."""
    profile = blur_profile(width, size)
    return np.outer(profile, profile)


def blur(image: NDArray[np.floating], width: float, size: int) -> Floats:
    """Blur ``(C, Y, X)`` with `blur_kernel`; beyond the border the image is mirrored about it."""
    from scipy.ndimage import correlate1d

    profile = blur_profile(width, size)
    rows = correlate1d(image.astype(np.float64), profile, axis=-2, mode="mirror")
    return np.asarray(correlate1d(rows, profile, axis=-1, mode="mirror"))


def blur_path(
    image: NDArray[np.floating], sigma: float = 1.2, steps: int = 50, size: int = 9
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Walk from the blurred image, which is left out, to the image itself.

    Parameters
    ----------
    image
        ``(C, Y, X)``.
    sigma
        Width in pixels of the first Gaussian.
    steps
        How many.
    size
        Side of the Gaussians in pixels, odd.

    Yields
    ------
    tuple
        Where the path is, and its derivative by the way from 0 to 1; both of the image's shape.
    """
    before = blur(image, sigma, size)
    for width in blur_widths(sigma, steps)[1:]:
        here = blur(image, width, size)
        yield here.astype(np.float32), ((here - before) * steps).astype(np.float32)
        before = here
