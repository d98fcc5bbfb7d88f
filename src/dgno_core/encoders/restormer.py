"""Restormer's block (arXiv 2111.09881, Fig. 2): channel attention and gated feed-forward."""

from __future__ import annotations

from torch import Tensor, nn

from dgno_core.layers.channel_attention import ChannelAttention
from dgno_core.layers.gdfn import GatedFeedForward
from dgno_core.layers.norms import ChannelNorm


class RestormerBlock(nn.Module):
    """``x + MDTA(LN x)``, then ``x + GDFN(LN x)``.

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` input and output.
    heads : int
        Heads of the attention, a divisor of C.
    expansion : float
        Hidden width of the feed-forward half over C.
    """

    def __init__(self, channels: int, heads: int, expansion: float = 2.66) -> None:
        super().__init__()
        self.attention_norm = ChannelNorm(channels)
        self.attention = ChannelAttention(channels, heads)
        self.feed_norm = ChannelNorm(channels)
        self.feed = GatedFeedForward(channels, expansion)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, Y, X)`` to the same shape."""
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed(self.feed_norm(x))
