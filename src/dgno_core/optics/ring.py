r"""Blur by a lens that is the same all around its axis: ring convolution and its adjoint.

On rings about the axis, turning an object about the axis turns its image. So for an object on ring
k the image on ring r is a circular convolution along the angle, and in angular frequencies m

    out[m, r] = sum_k area_k  T_k[m, r]  object[m, k],

with T_k the angular spectrum of the point spread function of a point on ring k (Kohli et al.,
2025). All N x N point spread functions are replaced by one per ring.

A point spread function is mirror-symmetric about the line to the axis, so T is real. Hence the
adjoint has the same form, with T transposed in (k, r) and the two resamplings transposed; and T
takes half of the memory of the released code's: about 8 N^3 bytes in single precision, 20 MB for
N = 128, 0.15 GB for 256, 1.1 GB for 512.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy import fft

from dgno_core.optics.polar import MARGIN, Form, PolarGrid, polar_grid
from dgno_core.optics.seidel import NYQUIST, Seidel, move, seidel_psf

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class RingBlur:
    """The blur of a revolution-invariant lens, as a linear operator on ``(N, N)`` images.

    Made by `ring_blur`.

    Parameters
    ----------
    grid
        The rings, in a frame that is larger by the form's margin.
    transfer
        ``(2 S + 1, K, K)`` for a grid of side S: T_k[m, r] times the area of a sample, by angular
        frequency, ring of the object and ring of the image.
    centre
        ``(N, N)``: the point spread function on the axis.
    """

    grid: PolarGrid
    transfer: Floats
    centre: Floats

    @property
    def form(self) -> Form:
        """``"released"`` or ``"corrected"``."""
        return self.grid.form

    @property
    def margin(self) -> int:
        """Dark pixels of the grid around the image."""
        return MARGIN[self.form]

    def convolve(self, image: ArrayLike) -> Floats:
        """Blur an ``(N, N)`` image; darkness is assumed beyond it and light that leaves is lost."""
        rings = self.grid.unroll(self._framed(image))
        return self._cropped(self.grid.roll_up(self._mix(rings, self.transfer)))

    def adjoint(self, image: ArrayLike) -> Floats:
        """Apply the transpose: ``<convolve(x), y> == <x, adjoint(y)>``."""
        rings = self.grid.roll_up_adjoint(self._framed(image))
        mixed = self._mix(rings, self.transfer.swapaxes(1, 2))
        return self._cropped(self.grid.unroll_adjoint(mixed))

    def _mix(self, rings: Floats, transfer: Floats) -> Floats:
        spectrum = fft.rfft(rings, axis=0)
        pairs = np.stack([spectrum.real, spectrum.imag], axis=1)  # a real product is half the work
        mixed = np.matmul(pairs, transfer)
        return np.asarray(
            fft.irfft(mixed[:, 0] + 1j * mixed[:, 1], n=self.grid.angles, axis=0), rings.dtype
        )

    def _framed(self, image: ArrayLike) -> Floats:
        pixels, side = np.asarray(image, dtype=self.transfer.dtype), len(self.centre)
        if pixels.shape != (side, side):
            raise ValueError(f"the image must be {side} x {side} like the lens, not {pixels.shape}")
        return np.pad(pixels, self.margin)

    def _cropped(self, canvas: Floats) -> Floats:
        inside = slice(self.margin, canvas.shape[0] - self.margin)
        return canvas[inside, inside]


def ring_blur(
    seidel: Seidel,
    side: int,
    form: Form = "corrected",
    *,
    extent: float = NYQUIST,
    dtype: DTypeLike = np.float32,
) -> RingBlur:
    """Prepare the blur of a lens for frames of one size.

    Parameters
    ----------
    seidel
        The aberrations.
    side
        Side N of the frames, even; the axis passes through pixel (N/2, N/2).
    form
        ``"corrected"``, or ``"released"`` to repeat the released code's numbers; see
        `dgno_core.optics.polar` for the differences.
    extent
        See `dgno_core.optics.seidel.pupil_extent`.
    dtype
        Precision of the operator.
    """
    centre = seidel_psf(seidel, side, extent=extent).astype(dtype)
    grid = polar_grid(side + 2 * MARGIN[form], form, dtype=dtype)
    rings = len(grid.radii)
    transfer = np.empty((2 * grid.side + 1, rings, rings), dtype=dtype)
    for ring in range(rings):
        spectrum = ring_spectrum(seidel, side, grid, ring, extent=extent)
        transfer[:, ring] = spectrum * grid.area[ring]
    return RingBlur(grid, transfer, centre)


def ring_spectrum(
    seidel: Seidel, side: int, grid: PolarGrid, ring: int, *, extent: float = NYQUIST
) -> Floats:
    """Angular spectrum T_k of the point spread function of a point on ring k.

    Returns
    -------
    ``(2 S + 1, K)``: angular frequency, ring of the image; real because the function is symmetric
    about the direction from which angles count.
    """
    offset = ring / 2  # along the diagonal to the lower right, along x and y alike
    psf = seidel_psf(seidel, side, offset, -offset, extent=extent)
    exact, margin = grid.form == "corrected", MARGIN[grid.form]
    placed = move(psf, offset, offset, exact=exact, margin=margin)
    return np.asarray(fft.rfft(grid.unroll(placed), axis=0).real)
