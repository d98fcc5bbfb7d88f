"""The Mamba encoder's block: an attentive scan and a gated feed-forward, both residual."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgno_core.encoders.attentive_scan import AttentiveScan
from dgno_core.encoders.config import RoutingGradient
from dgno_core.layers.gdfn import GatedFeedForward
from dgno_core.layers.norms import ChannelNorm


class MambaBlock(nn.Module):
    """``x + Scan(LN x)``, then ``x + GDFN(LN x)``.

    Parameters
    ----------
    channels, state, tokens, rank, routing_noise, routing_gradient
        See `AttentiveScan`.
    """

    def __init__(
        self,
        channels: int,
        *,
        state: int = 8,
        tokens: int = 64,
        rank: int = 32,
        routing_noise: bool = False,
        routing_gradient: RoutingGradient = "softmax",
    ) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.empty(rank, state).uniform_(-1 / rank, 1 / rank))
        self.scan_norm = ChannelNorm(channels)
        self.scan = AttentiveScan(
            channels,
            state=state,
            tokens=tokens,
            rank=rank,
            routing_noise=routing_noise,
            routing_gradient=routing_gradient,
        )
        self.feed_norm = ChannelNorm(channels)
        self.feed = GatedFeedForward(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, Y, X)`` to the same shape."""
        x = x + self.scan(self.scan_norm(x), self.basis)
        return x + self.feed(self.feed_norm(x))
