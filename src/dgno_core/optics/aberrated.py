r"""Defocus with mild aberrations, as a pattern of rays that grows with the defocus.

For blur much wider than the wavelength the image of a point is where the rays of the pupil meet the
camera: at the gradient of the wavefront. With W = rho^2 + c rho^2 X + a X^2 + s rho^4 (defocus,
coma, astigmatism and spherical aberration, shares of the defocus; see `dgno_core.optics.seidel`),

    dx = x + (c (3 x^2 + y^2) + 2 a x + 4 s rho^2 x) / 2,    dy = y + (2 c x y + 4 s rho^2 y) / 2,

in units of the blur's width, the radius of the disk that defocus alone would give.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_RAYS = 97  # across the pupil


@dataclass(frozen=True)
class Aberrations:
    """Shares of the defocus, and the direction of what is not round.

    Attributes
    ----------
    coma, astigmatism, spherical
        Coefficients relative to that of defocus.
    direction
        Of coma and astigmatism, in radians.
    """

    coma: float = 0.0
    astigmatism: float = 0.0
    spherical: float = 0.0
    direction: float = 0.0


def ray_kernels(widths: Tensor, aberrations: Aberrations, radius: int) -> Tensor:
    """Normalised kernels of several widths, their centre of mass in the middle.

    Parameters
    ----------
    widths : Tensor
        ``(M,)``: radius in pixels of the disk of defocus alone; 0 means no blur.
    aberrations : Aberrations
        The same for all widths.
    radius : int
        The kernels are ``2 radius + 1`` pixels wide; rays beyond are lost.

    Returns
    -------
    Tensor
        ``(M, 2 radius + 1, 2 radius + 1)``, each summing to 1.
    """
    down, right = _spot(aberrations, widths.dtype)
    side = 2 * radius + 1
    y, x = (radius + widths[:, None] * offset for offset in (down, right))
    kernels = widths.new_zeros(len(widths), side * side)
    for row, row_share in _neighbours(y):
        for column, column_share in _neighbours(x):
            inside = (row >= 0) & (row < side) & (column >= 0) & (column < side)
            place = (row * side + column).clamp(0, side * side - 1)
            kernels.scatter_add_(1, place, row_share * column_share * inside)
    return (kernels / kernels.sum(1, keepdim=True)).view(-1, side, side)


def _spot(aberrations: Aberrations, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Where the rays of the pupil land, down and right, in units of the width."""
    axis = torch.linspace(-1, 1, _RAYS, dtype=dtype)
    y, x = (t.flatten() for t in torch.meshgrid(axis, axis, indexing="ij"))
    inside = x**2 + y**2 <= 1
    y, x = y[inside], x[inside]
    c, a, s = aberrations.coma, aberrations.astigmatism, aberrations.spherical
    rho2 = x**2 + y**2
    along = x + (c * (3 * x**2 + y**2) + 2 * a * x + 4 * s * rho2 * x) / 2
    across = y + (2 * c * x * y + 4 * s * rho2 * y) / 2
    along, across = along - along.mean(), across - across.mean()
    cos, sin = math.cos(aberrations.direction), math.sin(aberrations.direction)
    return sin * along + cos * across, cos * along - sin * across


def _neighbours(position: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The two pixels about each position, and their shares in it."""
    below = position.floor()
    share = position - below
    return (below.long(), 1 - share), (below.long() + 1, share)
