r"""Sum of the numerical fluxes over the faces of every element (paper Eq. 16).

Two assemblies of the same fluxes:

* paper: each element adds, for each of its faces, :math:`F(K_e, K_{e'})` seen from its own side;
* official: for a pair L | R the released networks form one :math:`F(K_L, K_R)`, add it to L and
  subtract it from R, with the jump's sign reversed and boundary names of their own.

For the jump flux between cells they coincide under ``tau -> -tau`` with Neumann and Dirichlet
swapped; for the other fluxes they never do.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from dgno_core.numerics.boundary import BoundaryName, exterior_operator
from dgno_core.numerics.elements import OPPOSITE, SIDES, Side, beyond
from dgno_core.numerics.fluxes import FLUXES, FluxName


def assemble_paper(
    faces: Mapping[Side, Tensor], flux: FluxName, boundary: BoundaryName, tau: Tensor | float
) -> Tensor:
    """Fluxes of all four faces, each from the element's own side (Eq. 16).

    Parameters
    ----------
    faces : mapping
        For each side the grid ``(B, gy, gx, heads, d, d)`` of operators on that face.
    flux, boundary, tau
        See `dgno_core.numerics.dg_integral`.

    Returns
    -------
    Tensor
        ``(B, gy, gx, heads, d, d)``.
    """
    total = torch.zeros_like(faces["top"])
    for side in SIDES:
        own, shown = faces[side], faces[OPPOSITE[side]]
        other = beyond(shown, side, exterior_operator(own, shown, side, boundary))
        total = total + FLUXES[flux](own, other, tau)
    return total


def assemble_official(
    faces: Mapping[Side, Tensor], flux: FluxName, boundary: BoundaryName, tau: Tensor | float
) -> Tensor:
    """Antisymmetric assembly of the released networks.

    Its boundary names: "neumann" adds nothing at the border; "dirichlet" adds ``F(K, 0)`` with a
    plus sign on all four sides; "periodic" pairs the last element with the first one. At the
    border the released face variant reads the operator of the face that looks inwards, so here
    each border takes ``faces[OPPOSITE[side]]`` (for cells the two are the same).

    Parameters
    ----------
    faces, flux, boundary, tau
        As for `assemble_paper`.

    Returns
    -------
    Tensor
        ``(B, gy, gx, heads, d, d)``.
    """

    def numerical_flux(left: Tensor, right: Tensor) -> Tensor:
        return FLUXES[flux](left, right, -tau)

    total = torch.zeros_like(faces["top"])
    pairs: tuple[tuple[int, Side, Side], ...] = ((1, "bottom", "top"), (2, "right", "left"))
    for axis, ahead, behind in pairs:
        n = total.shape[axis]
        first, last = 0, n - 1

        def at(side: Side, index: int, axis: int = axis) -> Tensor:
            return faces[side].narrow(axis, index, 1)

        inner = numerical_flux(
            faces[ahead].narrow(axis, 0, n - 1), faces[behind].narrow(axis, 1, n - 1)
        )
        nothing = torch.zeros_like(at(ahead, first))
        match boundary:
            case "neumann":
                into_first = out_of_last = nothing
            case "dirichlet":
                into_first = numerical_flux(at(ahead, first), nothing)
                out_of_last = numerical_flux(at(behind, last), nothing)
            case "periodic":
                around = numerical_flux(at(behind, last), at(ahead, first))
                into_first, out_of_last = -around, around
        total = (
            total + torch.cat([inner, out_of_last], axis) + torch.cat([into_first, -inner], axis)
        )
    return total
