r"""Sum of the numerical fluxes over the faces of every element (paper Eq. 16).

Two assemblies of the same fluxes:

* paper: each element adds, for each of its faces, :math:`F(K_e, K_{e'})` seen from its own side;
* official: for a pair L | R the released networks form one :math:`F(K_L, K_R)`, add it to L and
  subtract it from R, with the jump's sign reversed and boundary names of their own.

For the jump flux between cells they coincide under ``tau -> -tau`` with Neumann and Dirichlet
swapped; for the other fluxes they never do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from dgno_core.numerics.boundary import exterior_operator
from dgno_core.numerics.elements import OPPOSITE, SIDES, Side, neighbour_traces
from dgno_core.numerics.flux_spec import AssemblyName, BoundaryName, FluxSpec
from dgno_core.numerics.fluxes import FLUXES

FaceOperators = Mapping[Side, Tensor]
SideTensors = Iterator[tuple[Side, Tensor]]

# The two directions of the released assembly: axis, the side ahead, the side behind.
_PAIRS: tuple[tuple[int, Side, Side], ...] = ((1, "bottom", "top"), (2, "right", "left"))


def assemble(faces: FaceOperators, spec: FluxSpec) -> Tensor:
    """Sum of the fluxes that every element receives through its four faces (Eq. 16).

    Parameters
    ----------
    faces : mapping
        For each side the grid ``(B, gy, gx, heads, d, d)`` of operators on that face.
    spec : FluxSpec
        Which fluxes.

    Returns
    -------
    Tensor
        ``(B, gy, gx, heads, d, d)``.
    """
    total = torch.zeros_like(faces["top"])
    for _, part in received(faces, spec):
        total = total + part
    return total


def received(faces: FaceOperators, spec: FluxSpec) -> SideTensors:
    """What every element receives through each face; parameters as for `assemble`.

    Yields
    ------
    Side and a grid ``(B, gy, gx, heads, d, d)``.
    """
    return _RECEIVED[spec.assembly](faces, spec)


def received_paper(faces: FaceOperators, spec: FluxSpec) -> SideTensors:
    """What every element receives through each face, seen from its own side (Eq. 16).

    Parameters
    ----------
    faces, spec
        As for `assemble`.

    Yields
    ------
    Side and a grid ``(B, gy, gx, heads, d, d)``.
    """
    for side in SIDES:
        own = faces[side]
        yield side, FLUXES[spec.flux](own, neighbours_paper(faces, side, spec.boundary), spec.tau)


def neighbours_paper(faces: FaceOperators, side: Side, boundary: BoundaryName) -> Tensor:
    """The operators that elements see beyond their face `side`, also beyond the border."""
    own, shown = faces[side], faces[OPPOSITE[side]]
    return neighbour_traces(shown, side, exterior_operator(own, shown, side, boundary))


def received_official(faces: FaceOperators, spec: FluxSpec) -> SideTensors:
    """What every element receives through each face in the assembly of the released networks.

    Its boundary names: "neumann" adds nothing at the border; "dirichlet" adds ``F(K, 0)`` with a
    plus sign on all four sides; "periodic" pairs the last element with the first one. At the
    border the released face variant reads the operator of the face that looks inwards, so here
    each border takes ``faces[OPPOSITE[side]]`` (for cells the two are the same).

    Parameters
    ----------
    faces, spec
        As for `assemble`.

    Yields
    ------
    Side and a grid ``(B, gy, gx, heads, d, d)``.
    """

    def numerical_flux(left: Tensor, right: Tensor) -> Tensor:
        return FLUXES[spec.flux](left, right, -spec.tau)

    for axis, ahead, behind in _PAIRS:
        n = faces["top"].shape[axis]
        first, last = 0, n - 1

        def at(side: Side, index: int, axis: int = axis) -> Tensor:
            return faces[side].narrow(axis, index, 1)

        inner = numerical_flux(
            faces[ahead].narrow(axis, 0, n - 1), faces[behind].narrow(axis, 1, n - 1)
        )
        nothing = torch.zeros_like(at(ahead, first))
        match spec.boundary:
            case "neumann":
                into_first = out_of_last = nothing
            case "dirichlet":
                into_first = numerical_flux(at(ahead, first), nothing)
                out_of_last = numerical_flux(at(behind, last), nothing)
            case "periodic":
                around = numerical_flux(at(behind, last), at(ahead, first))
                into_first, out_of_last = -around, around
        yield ahead, torch.cat([inner, out_of_last], axis)
        yield behind, torch.cat([into_first, -inner], axis)


_RECEIVED: dict[AssemblyName, Callable[..., SideTensors]] = {
    "paper": received_paper,
    "official": received_official,
}


def face_jumps(faces: FaceOperators, spec: FluxSpec) -> dict[Side, Tensor]:
    """Discontinuity of the operator across each face: the neighbour's less the element's own.

    Parameters
    ----------
    faces, spec
        As for `assemble`. At the border the neighbour is what the condition puts there.

    Returns
    -------
    dict
        For each side a grid ``(B, gy, gx, heads, d, d)``.
    """
    if spec.assembly == "paper":
        return {side: neighbours_paper(faces, side, spec.boundary) - faces[side] for side in SIDES}
    # With a penalty of one its jump flux is the element's own operator less the neighbour's.
    differences = received_official(faces, replace(spec, flux="jump", tau=1.0))
    return {side: -difference for side, difference in differences}
