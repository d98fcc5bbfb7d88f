"""Gated depthwise feed-forward network of Restormer (arXiv 2111.09881, Sec. 3.2)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class GatedFeedForward(nn.Module):
    """1x1 to twice the hidden width, depthwise 3x3, GELU of one half times the other, 1x1 back.

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` input and output.
    expansion : float
        Hidden width over C.
    """

    def __init__(self, channels: int, expansion: float = 2.66) -> None:
        super().__init__()
        hidden = int(expansion * channels)
        self.expand = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.mix = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=False)
        self.project = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, Y, X)`` to the same shape."""
        gate, value = self.mix(self.expand(x)).chunk(2, dim=1)
        return self.project(F.gelu(gate) * value)
