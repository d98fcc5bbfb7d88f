"""NAFNet's block (arXiv 2204.04676, Fig. 3c and Sec. 3.2): no activation but products."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgno_core.layers.norms import ChannelNorm


class SimpleGate(nn.Module):
    """One half of the channels times the other: ``(B, 2C, Y, X)`` to ``(B, C, Y, X)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Multiply the halves."""
        first, second = x.chunk(2, dim=1)
        return first * second


class SimplifiedChannelAttention(nn.Module):
    """Scale every channel by a linear map of all channels' means (Eq. 15).

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Scale ``(B, C, Y, X)``."""
        scales: Tensor = self.mix(self.pool(x))
        return x * scales


class NAFBlock(nn.Module):
    """``x + beta depthwise half(x)``, then ``x + gamma feed-forward half(x)``.

    Both scales are a number a channel and start at zero: a new block is the identity.

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` input and output.
    expansion, feed_expansion : int
        Width before the gate over C, in the depthwise and in the feed-forward half.

    Raises
    ------
    ValueError
        If a gate would have to halve an odd number of channels.
    """

    def __init__(self, channels: int, expansion: int = 2, feed_expansion: int = 2) -> None:
        super().__init__()
        wide, feed = expansion * channels, feed_expansion * channels
        if wide % 2 or feed % 2:
            raise ValueError(f"a gate cannot halve {wide} and {feed} channels")
        self.norm = ChannelNorm(channels)
        self.attend = nn.Sequential(
            nn.Conv2d(channels, wide, 1),
            nn.Conv2d(wide, wide, 3, padding=1, groups=wide),
            SimpleGate(),
            SimplifiedChannelAttention(wide // 2),
            nn.Conv2d(wide // 2, channels, 1),
        )
        self.beta = nn.Parameter(torch.zeros(channels, 1, 1))
        self.feed_norm = ChannelNorm(channels)
        self.feed = nn.Sequential(
            nn.Conv2d(channels, feed, 1), SimpleGate(), nn.Conv2d(feed // 2, channels, 1)
        )
        self.gamma = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, Y, X)`` to the same shape."""
        x = x + self.beta * self.attend(self.norm(x))
        return x + self.gamma * self.feed(self.feed_norm(x))
