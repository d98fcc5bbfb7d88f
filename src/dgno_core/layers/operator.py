"""The operator layer: one update of the latent field by a Galerkin-type integral (Eq. 4)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.layers.norms import HeadNorm
from dgno_core.numerics.flux_spec import FluxSpec
from dgno_core.numerics.galerkin import flux_integral, galerkin_integral


class OperatorLayer(nn.Module):
    """``z <- W2 gelu(W1 (z + K z)) + z``, K one of the four integrals.

    Parameters
    ----------
    channels : int
        C, a multiple of `heads`.
    heads : int
        Number of heads; d = C / heads.
    spec : FluxSpec or None
        Fluxes between the elements; its `tau` is the start value (or value) of the penalty. None
        for integrals without fluxes.
    element : int or None
        Size of the elements in pixels; None for one integral over the whole image (SRNO).
    learn_tau : bool
        Whether the penalty is trained; only fluxes with a jump have one.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        spec: FluxSpec | None,
        *,
        element: int | None = 8,
        learn_tau: bool = True,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.element = element
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.key_norm = HeadNorm(heads, channels // heads)
        self.value_norm = HeadNorm(heads, channels // heads)
        self.mix = nn.Conv2d(channels, channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)
        self._spec = spec
        self.tau = (
            nn.Parameter(torch.tensor(spec.tau))
            if spec is not None and learn_tau and spec.uses_tau
            else None
        )

    @property
    def spec(self) -> FluxSpec | None:
        """The fluxes with the penalty as it is now; None for an integral without."""
        if self._spec is None or self.tau is None:
            return self._spec
        return replace(self._spec, tau=self.tau)

    def bases(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, normalised keys and normalised values, each ``(B, heads, d, Y, X)``."""
        b, c, y, x = z.shape
        # Plane after plane: the norms work along planes, not along the few channels of a head.
        fields = self.qkv(z).contiguous()
        q, k, v = fields.view(b, 3, self.heads, c // self.heads, y, x).unbind(1)
        return q, self.key_norm(k), self.value_norm(v)

    def integral(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Kernel integral of Eqs. 6-16 for this layer's choices."""
        spec = self.spec
        if spec is None or self.element is None:
            return galerkin_integral(q, k, v, element=self.element)
        return flux_integral(q, k, v, spec, element=self.element)

    def forward(self, z: Tensor) -> Tensor:
        """Update ``(B, C, Y, X)``."""
        updated = self.integral(*self.bases(z)).reshape(z.shape) + z
        return self.project(F.gelu(self.mix(updated))) + z
