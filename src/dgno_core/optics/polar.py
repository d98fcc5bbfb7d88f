"""Resampling between the square frame of an image and rings about its optical axis.

Interpolation is linear in the image, so both directions are sparse matrices: their transposes are
the exact adjoints. Two forms:

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
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from dgno_core.optics.seidel import check_side

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
