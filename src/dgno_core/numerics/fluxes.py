r"""Operator-valued numerical fluxes (paper App. C, Eqs. 26-30).

Symbols: :math:`K_e` the coefficient matrix on the element's own side of a face,
:math:`K_{e'}` the one on the neighbour's side, both ``(..., d, d)``; :math:`\tau` the penalty. A
flux that uses the penalty has no default for it.

Nothing here imports torch: the names of the fluxes are part of every model card.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Flux: TypeAlias = "Callable[[Tensor, Tensor, Tensor | float], Tensor]"


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
    alpha = strength.sigmoid()
    return alpha * own + (1 - alpha) * other


_KNOWN: tuple[Flux, ...] = (
    central,
    jump,
    average_jump,
    upwind,
)
FLUXES = {flux.__name__: flux for flux in _KNOWN}
USES_TAU = frozenset(
    name
    for name, flux in FLUXES.items()
    if signature(flux).parameters["tau"].default is Parameter.empty
)
if TYPE_CHECKING:
    FluxName: TypeAlias = str
else:  # what configs and commands accept, and list in their messages
    FluxName = Literal[tuple(FLUXES)]
