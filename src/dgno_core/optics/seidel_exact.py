"""The blur of an aberrated lens without any approximation: one point spread function per pixel.

It costs N^2 Fourier transforms (0.6 s at 64 x 64, 15 s at 128 x 128, an hour at 512 x 512) and is
what the fast forms are measured against.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.optics.seidel import NYQUIST, Seidel, overlap, seidel_psf

Floats = NDArray[np.floating]


def blur_exact(image: ArrayLike, seidel: Seidel, *, extent: float = NYQUIST) -> Floats:
    """Let every pixel spread its light with its own point spread function.

    Parameters
    ----------
    image
        ``(N, N)`` or several images ``(B, N, N)``, which take hardly longer than one; N even.
    seidel
        The aberrations.
    extent
        See `dgno_core.optics.seidel.pupil_extent`.

    Returns
    -------
    float64 of `image`'s shape. Light that leaves the frame is lost; none comes in.
    """
    pixels = np.asarray(image, dtype=np.float64)
    if pixels.ndim not in (2, 3) or pixels.shape[-1] != pixels.shape[-2]:
        raise ValueError(f"the images must be square, (N, N) or (B, N, N), not {pixels.shape}")
    side = pixels.shape[-1]
    blurred = np.zeros_like(pixels)
    for row in range(side):
        lit = np.flatnonzero(pixels[..., row, :].reshape(-1, side).any(axis=0))
        right, down = lit - side // 2, row - side // 2
        spots = seidel_psf(seidel, side, right, np.full(lit.shape, -down), extent=extent)
        for column, spot in zip(lit, spots, strict=True):
            to, source = overlap(spot.shape, down, int(column) - side // 2)
            blurred[(..., *to)] += pixels[..., row, column, None, None] * spot[source]
    return blurred
