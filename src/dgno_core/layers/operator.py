"""The operator layer: one update of the latent field by a Galerkin-type integral (Eq. 4)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.layers.norms import HeadNorm
from dgno_core.numerics.assembly import AssemblyName
from dgno_core.numerics.boundary import BoundaryName
from dgno_core.numerics.fluxes import USES_TAU, FluxName
from dgno_core.numerics.galerkin import dg_integral, galerkin_integral

OperatorName = Literal["cell", "face", "window", "global"]


class OperatorLayer(nn.Module):
    """``z <- W2 gelu(W1 (z + K z)) + z``, K one of the four integrals.

    Parameters
    ----------
    channels : int
        C, a multiple of `heads`.
    heads : int
        Number of heads; d = C / heads.
    formulation : {"cell", "face", "window", "global"}
        DG with fluxes between volume or face operators, windows without fluxes, or one
        integral over the whole image (SRNO).
    flux, boundary, element, assembly
        See `dgno_core.numerics.dg_integral`.
    tau : float
        Start value (or value) of the penalty.
    learn_tau : bool
        Whether the penalty is trained; only fluxes with a jump have one.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        *,
        formulation: OperatorName = "cell",
        flux: FluxName = "jump",
        boundary: BoundaryName = "neumann",
        element: int = 8,
        assembly: AssemblyName = "paper",
        tau: float = 0.25,
        learn_tau: bool = True,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.formulation = formulation
        self.flux: FluxName = flux
        self.boundary: BoundaryName = boundary
        self.element = element
        self.assembly: AssemblyName = assembly
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.key_norm = HeadNorm(heads, channels // heads)
        self.value_norm = HeadNorm(heads, channels // heads)
        self.mix = nn.Conv2d(channels, channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)
        is_dg = formulation in ("cell", "face")
        self.fixed_tau = tau
        self.tau = (
            nn.Parameter(torch.tensor(tau)) if is_dg and learn_tau and flux in USES_TAU else None
        )

    def bases(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, normalised keys and normalised values, each ``(B, heads, d, Y, X)``."""
        b, c, y, x = z.shape
        # Plane after plane: the norms work along planes, not along the few channels of a head.
        fields = self.qkv(z).contiguous()
        q, k, v = fields.view(b, 3, self.heads, c // self.heads, y, x).unbind(1)
        return q, self.key_norm(k), self.value_norm(v)

    def integral(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Kernel integral of Eqs. 6-16 for this layer's choices."""
        if self.formulation == "global":
            return galerkin_integral(q, k, v)
        if self.formulation == "window":
            return galerkin_integral(q, k, v, element=self.element)
        return dg_integral(
            q,
            k,
            v,
            element=self.element,
            formulation="face" if self.formulation == "face" else "cell",
            flux=self.flux,
            boundary=self.boundary,
            tau=self.fixed_tau if self.tau is None else self.tau,
            assembly=self.assembly,
        )

    def forward(self, z: Tensor) -> Tensor:
        """Update ``(B, C, Y, X)``."""
        updated = self.integral(*self.bases(z)).reshape(z.shape) + z
        return self.project(F.gelu(self.mix(updated))) + z
