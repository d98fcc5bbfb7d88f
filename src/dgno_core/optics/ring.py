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

Resampling between the frame and the rings is linear in the image, so both directions are sparse
matrices, and their transposes the exact adjoints. Two forms:

* ``released``: what the code of ring deconvolution microscopy does. Rings of radius
  (k + 1) / sqrt 2 about (N-1)/2, half a pixel off the axis of its own point spread functions; the
  image's border is repeated for 3 pixels beyond it, which invents light; on the way back the
  radial index is too large by N / (N-1) and the angle does not wrap; the rings' area
  is too small by 4N / (4N+2). Bicubic kernel with a = -0.75.
* ``corrected``: rings of radius k / sqrt 2 about the axis itself, (N/2, N/2), up to the corner
  (N + 1 rings); darkness beyond the border, and a frame larger than the image by `MARGIN`, since
  the interpolated light of a border pixel reaches beyond it; angles wrap; bicubic kernel with
  a = -0.5, the one that is exact for parabolas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy import fft, sparse

from dgno_core.optics.seidel import NYQUIST, Seidel, check_side, move, seidel_psf

Form: TypeAlias = Literal["released", "corrected"]
Edge: TypeAlias = Literal["dark", "repeat", "repeat 3", "wrap"]
Floats = NDArray[np.floating]
Ints = NDArray[np.intp]

RING_STEP = np.sqrt(0.5)  # px between rings: half a diagonal pixel
MARGIN = {"released": 0, "corrected": 4}  # px; two for each of the two interpolations
FIRST_ANGLE = np.pi / 4  # to the lower right corner


@dataclass(frozen=True)
class PolarGrid:
    """Rings about the optical axis of an N x N frame, and the way there and back.

    Parameters
    ----------
    form
        See the module.
    radii
        ``(K,)``: radius of each ring in pixels.
    angles
        Samples along each ring, 4 N. Angles run clockwise from the lower right corner.
    area
        ``(K,)``: square pixels that one sample of each ring stands for.
    to_rings, to_square
        Sparse ``(angles * K, N * N)`` and ``(N * N, angles * K)``, for raster-ordered arrays.
    """

    form: Form
    radii: Floats
    angles: int
    area: Floats
    to_rings: Any
    to_square: Any

    @property
    def side(self) -> int:
        """Side of the square frame in pixels."""
        return self.angles // 4

    def unroll(self, image: Floats) -> Floats:
        """Sample an ``(N, N)`` image along the rings: ``(angles, K)``."""
        return np.asarray(self.to_rings @ image.ravel()).reshape(self.angles, -1)

    def roll_up(self, rings: Floats) -> Floats:
        """Interpolate ``(angles, K)`` samples on the rings at the pixels: ``(N, N)``."""
        return np.asarray(self.to_square @ rings.ravel()).reshape(self.side, self.side)

    def unroll_adjoint(self, rings: Floats) -> Floats:
        """Transpose of `unroll`."""
        return np.asarray(self.to_rings.T @ rings.ravel()).reshape(self.side, self.side)

    def roll_up_adjoint(self, image: Floats) -> Floats:
        """Transpose of `roll_up`."""
        return np.asarray(self.to_square.T @ image.ravel()).reshape(self.angles, -1)


def polar_grid(side: int, form: Form = "corrected", *, dtype: DTypeLike = np.float32) -> PolarGrid:
    """Lay rings half a diagonal pixel apart, with four samples per pixel of the side.

    Parameters
    ----------
    side
        N, even.
    form
        See the module.
    dtype
        Precision of the matrices.
    """
    check_side(side)
    if form not in ("released", "corrected"):
        raise ValueError(f"the form must be 'released' or 'corrected', not {form!r}")
    released, angles = form == "released", 4 * side
    centre = (side - 1) / 2 if released else side / 2
    radii = RING_STEP * (np.arange(1, side + 1) if released else np.arange(side + 1))
    turn = FIRST_ANGLE + 2 * np.pi * np.arange(angles)[:, None] / angles
    border: Edge = "repeat 3" if released else "dark"
    sharpness = -0.75 if released else -0.5
    to_rings = bicubic(
        centre + radii * np.sin(turn),
        centre + radii * np.cos(turn),
        (side, side),
        (border, border),
        sharpness,
    )

    y, x = np.mgrid[:side, :side] - centre
    turns = ((np.arctan2(y, x) - FIRST_ANGLE) / (2 * np.pi)) % 1
    stretch = side / (side - 1) if released else 1.0
    to_square = bicubic(
        turns * angles,
        stretch * (np.hypot(y, x) - radii[0]) / RING_STEP,
        (angles, len(radii)),
        ("repeat 3", "repeat 3") if released else ("wrap", "repeat"),
        sharpness,
    )
    step = 2 * np.pi / (angles + 2 if released else angles)
    area = radii * RING_STEP * step
    if not released:
        area[0] = RING_STEP**2 * step / 12  # the trapezium rule's end correction, for r dr at 0
    return PolarGrid(form, radii, angles, area, to_rings.astype(dtype), to_square.astype(dtype))


def bicubic(
    rows: Floats, columns: Floats, shape: tuple[int, int], edges: tuple[Edge, Edge], a: float
) -> Any:
    """Matrix that samples an image at points, by cubic convolution along both axes.

    Parameters
    ----------
    rows, columns
        Coordinates of the points in the image, of equal shape.
    shape
        ``(Y, X)`` of the image.
    edges
        What lies beyond the border along y and x: nothing (``dark``), the border pixel
        (``repeat``; ``repeat 3``: for three pixels, then nothing), or the other side (``wrap``).
    a
        Slope of the kernel at 1: -0.5 is the interpolation of third order.

    Returns
    -------
    Sparse matrix ``(points, Y * X)`` in compressed rows.
    """
    row, weight_y = _taps(rows.ravel(), shape[0], edges[0], a)
    column, weight_x = _taps(columns.ravel(), shape[1], edges[1], a)
    pixel = (row[:, :, None] * shape[1] + column[:, None, :]).reshape(-1)
    weight = (weight_y[:, :, None] * weight_x[:, None, :]).reshape(-1)
    starts = np.arange(0, weight.size + 1, 16)
    size = (rows.size, shape[0] * shape[1])
    matrix = sparse.csr_matrix((weight, pixel, starts), shape=size)
    matrix.eliminate_zeros()
    return matrix


def _taps(position: Floats, side: int, edge: Edge, a: float) -> tuple[Ints, Floats]:
    """Four neighbours of each position along one axis, and their weights."""
    first = np.floor(position).astype(np.intp)
    index = first[:, None] + np.arange(-1, 3)
    t = np.abs(position[:, None] - index)
    near = ((a + 2) * t - (a + 3)) * t**2 + 1
    far = a * (((t - 5) * t + 8) * t - 4)
    weight = np.where(t <= 1, near, far)
    if edge == "wrap":
        return index % side, weight
    reach = {"dark": 0, "repeat 3": 3, "repeat": side}[edge]
    seen = (index >= -reach) & (index < side + reach)
    return index.clip(0, side - 1), np.where(seen, weight, 0)


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
        ``"corrected"``, or ``"released"`` to repeat the released code's numbers; see the
        module for the differences.
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
