r"""Between which operators fluxes are taken, and how: every choice of Eqs. 14-16 in one place.

Apart from the functions on tensors, so that a model card can be read without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from dgno_core.numerics.fluxes import USES_TAU, FluxName

if TYPE_CHECKING:
    from torch import Tensor

Formulation: TypeAlias = Literal["cell", "face"]
BoundaryName: TypeAlias = Literal["dirichlet", "neumann", "periodic"]
AssemblyName: TypeAlias = Literal["paper", "official"]


@dataclass(frozen=True, eq=False)
class FluxSpec:
    """How the operators of neighbouring elements exchange what they know.

    Parameters
    ----------
    formulation : {"cell", "face"}
        Fluxes between volume operators (Eq. 15) or between face operators (Eq. 14).
    flux : str
        Numerical flux (App. C), one of `dgno_core.numerics.fluxes.FLUXES`.
    boundary : {"dirichlet", "neumann", "periodic"}
        Condition at the physical border (App. D).
    tau : Tensor or float
        Penalty of the jump part; ignored by the fluxes that have none.
    assembly : {"paper", "official"}
        "paper" sums each face's flux from the element's own side (Eq. 16); "official" is the
        antisymmetric assembly, with its boundary names, of the authors' released checkpoints.
    """

    formulation: Formulation = "cell"
    flux: FluxName = "jump"
    boundary: BoundaryName = "neumann"
    tau: Tensor | float = 1.0
    assembly: AssemblyName = "paper"

    @property
    def uses_tau(self) -> bool:
        """Whether the flux has a penalty."""
        return self.flux in USES_TAU
