"""The mathematics of the DGNO paper as pure functions on tensors (its Sec. 3.2, App. C and D)."""

from dgno_core.numerics.galerkin import dg_integral, galerkin_integral
from dgno_core.numerics.scan import selective_scan

__all__ = ["dg_integral", "galerkin_integral", "selective_scan"]
