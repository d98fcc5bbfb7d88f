"""Ring convolution of a lens whose spots are round: a few ordinary convolutions.

With spherical aberration, defocus and field curvature alone a spot does not turn with the field,
so the frame is cut into soft annuli, each is convolved with one point spread function, and the
results are added.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from dgno_core.optics.polar import RING_STEP, Form, polar_grid
from dgno_core.optics.seidel import NYQUIST, Seidel, check_side, seidel_psf

Floats = NDArray[np.floating]


def blur_annular(
    image: ArrayLike,
    seidel: Seidel,
    width: int = 8,
    form: Form = "corrected",
    *,
    extent: float = NYQUIST,
) -> Floats:
    """Blur with one round point spread function per annulus.

    Parameters
    ----------
    image
        ``(N, N)``, N even.
    seidel
        The aberrations; coma, astigmatism and distortion must be 0.
    width
        Width of an annulus in rings (of 0.707 px each).
    form
        ``"corrected"``: neighbouring point spread functions are mixed in proportion to a pixel's
        distance from their radii. ``"released"``: the released code's annuli, each with the point
        spread function of its inner edge and a narrow seam, masked on resampled rings.
    extent
        See `dgno_core.optics.seidel.pupil_extent`.

    Raises
    ------
    ValueError
        If the spots are not round, or the image is not square and even.
    """
    pixels = np.asarray(image, dtype=np.float64)
    if pixels.ndim != 2 or pixels.shape[0] != pixels.shape[1]:
        raise ValueError(f"the image must be square, not of shape {pixels.shape}")
    side = pixels.shape[0]
    check_side(side)
    if not seidel.rotation_symmetric:
        raise ValueError("annuli need round spots: coma, astigmatism and distortion must be 0")
    if not 1 <= width <= side:
        raise ValueError(f"an annulus must be 1 to {side} rings wide, not {width}")
    parts = _parts_released(pixels, width) if form == "released" else _parts(pixels, width)
    padded = (3 * side // 2,) * 2  # so that light which leaves does not come in again
    spectrum = np.zeros((padded[0], padded[1] // 2 + 1), dtype=np.complex128)
    for number, part in enumerate(parts):
        offset = number * width / 2
        psf = seidel_psf(seidel, side, offset, -offset, extent=extent)
        spectrum += fft.rfft2(part, s=padded) * fft.rfft2(psf, s=padded)
    start = side // 2
    return np.asarray(fft.irfft2(spectrum, s=padded)[start : start + side, start : start + side])


def _parts(image: Floats, width: int) -> list[Floats]:
    """Shares of the image that belong to the radii 0, w, 2 w, ..., linear in the radius."""
    side = image.shape[0]
    y, x = np.mgrid[:side, :side] - side / 2
    ring = np.hypot(y, x) / RING_STEP / width
    return [image * np.clip(1 - np.abs(ring - k), 0, 1) for k in range(int(ring.max()) + 2)]


def _parts_released(image: Floats, width: int) -> list[Floats]:
    side = image.shape[0]
    grid = polar_grid(side, "released", dtype=np.float64)
    rings = grid.unroll(image)
    seam = max(width // 4, 2) - 1
    index = np.arange(side)
    count = side // width
    begun = [np.clip((index - k * width) / seam, 0, 1) for k in range(1, count)]
    begun = [np.ones(side), *begun, np.zeros(side)]
    return [grid.roll_up(rings * (begun[k] - begun[k + 1])) for k in range(count)]
