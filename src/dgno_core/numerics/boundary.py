r"""Exterior operators at the physical border (paper App. D).

On a border face there is no neighbour; the boundary condition says which operator
:math:`K_{bc}` takes its place in the flux :math:`F(K_e, K_{bc})`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dgno_core.numerics.elements import OPPOSITE, Side, border
from dgno_core.numerics.flux_spec import BoundaryName


def exterior_operator(own: Tensor, shown: Tensor, side: Side, boundary: BoundaryName) -> Tensor:
    """Operator that stands beyond the border on `side`.

    Parameters
    ----------
    own : Tensor
        ``(B, gy, gx, heads, d, d)``: operators of the elements on their face `side`.
    shown : Tensor
        The same for the opposite face, which is the one a neighbour shows.
    side : {"top", "bottom", "left", "right"}
        Which border of the domain.
    boundary : {"dirichlet", "neumann", "periodic"}
        Dirichlet repeats the element's own operator, Neumann sets zero, periodic takes the
        operator that the element at the opposite border shows.

    Returns
    -------
    Tensor
        ``(B, 1, gx, ...)`` or ``(B, gy, 1, ...)``, as `elements.border` gives it.
    """
    match boundary:
        case "dirichlet":
            return border(own, side)
        case "neumann":
            return torch.zeros_like(border(own, side))
        case "periodic":
            return border(shown, OPPOSITE[side])
