"""The feature-enhancing feed-forward network FEFN (paper Eq. 3, Tables 4 and 9)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.encoders.mpt_config import Fusion


class FeatureEnhancing(nn.Module):
    """``W_p(GELU(x2') x1')``, without the normalisation before and the shortcut behind.

    ``x1'`` is a linear projection of x1, ``x2'`` one of x2 and a depthwise 3x3 convolution (drawn
    in Fig. 2, not written in Eq. 3, and there in the released parameters).

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` inputs and of the output.
    expansion : float
        Hidden width over C.
    fusion : Fusion
        How ``x1'`` and ``x2'`` are joined, see `MPTBlocks`.
    """

    def __init__(self, channels: int, expansion: float, fusion: Fusion = "gated") -> None:
        super().__init__()
        hidden = int(expansion * channels)
        self.fusion = fusion
        self.expand1 = nn.Conv2d(channels, hidden, 1, bias=False)
        self.expand2 = nn.Conv2d(channels, hidden, 1, bias=False)
        self.mix2 = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden, bias=False)
        joined = 2 * hidden if fusion == "concatenated" else hidden
        self.project = nn.Conv2d(joined, channels, 1, bias=False)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Join two maps ``(B, C, Y, X)`` into one of the same shape."""
        x1, x2 = self.expand1(x1), self.mix2(self.expand2(x2))
        match self.fusion:
            case "gated":
                joined = F.gelu(x2) * x1
            case "reversed":
                joined = F.gelu(x1) * x2
            case "concatenated":
                joined = F.gelu(torch.cat([x1, x2], dim=1))
            case "added":
                joined = F.gelu(x1 + x2)
        return self.project(joined)
