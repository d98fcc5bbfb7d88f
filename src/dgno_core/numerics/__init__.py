"""The mathematics of the DGNO paper as pure functions on tensors (its Sec. 3.2, App. C and D)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dgno_core.numerics.galerkin import dg_integral, galerkin_integral
    from dgno_core.numerics.scan import selective_scan

__all__ = ["dg_integral", "galerkin_integral", "selective_scan"]

# What needs torch is imported on first use: the names of the fluxes are part of every card.
_HOMES = {"dg_integral": "galerkin", "galerkin_integral": "galerkin", "selective_scan": "scan"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"dgno_core.numerics.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
