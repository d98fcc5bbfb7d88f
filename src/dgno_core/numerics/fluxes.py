r"""Operator-valued numerical fluxes (paper App. C, Eqs. 26-30).

Symbols: :math:`K_e` the coefficient matrix on the element's own side of a face,
:math:`K_{e'}` the one on the neighbour's side, both ``(..., d, d)``; :math:`\tau` the penalty.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dgno_core.numerics.flux_spec import FluxName

Flux = Callable[[Tensor, Tensor, Tensor | float], Tensor]


def central(own: Tensor, other: Tensor, tau: Tensor | float = 0.0) -> Tensor:
    """Mean of the two sides (Eq. 26); `tau` plays no part."""
    return 0.5 * (own + other)


def jump(own: Tensor, other: Tensor, tau: Tensor | float) -> Tensor:
    """Penalty on the discontinuity, ``-tau (K_e - K_e')`` (Eq. 27)."""
    return tau * (other - own)


def average_jump(own: Tensor, other: Tensor, tau: Tensor | float) -> Tensor:
    """Central flux plus penalty (Eq. 28)."""
    return central(own, other) + jump(own, other, tau)


def upwind(own: Tensor, other: Tensor, tau: Tensor | float = 0.0) -> Tensor:
    """Weight the side whose mean entry is larger (Eqs. 29-30); `tau` plays no part."""
    strength = own.mean(dim=(-2, -1), keepdim=True) - other.mean(dim=(-2, -1), keepdim=True)
    alpha = torch.sigmoid(strength)
    return alpha * own + (1 - alpha) * other


FLUXES: dict[FluxName, Flux] = {
    "central": central,
    "jump": jump,
    "average_jump": average_jump,
    "upwind": upwind,
}
