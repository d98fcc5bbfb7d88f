"""The down-sampling module of CSWA (paper Fig. 7 and Table 9)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.encoders.mpt_config import DownSampling


class Reduction(nn.Module):
    """``p + conv1x1(p)``, where p is the map reduced by an integer factor.

    The variants of Table 9 reduce otherwise, or leave out the shortcut or the whole second half.
    The strided convolution is depthwise, as all convolutions wider than 1x1 that the paper does
    not speak of; bicubic interpolation is PyTorch's, without a low-pass before it.

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` input.
    factor : int
        1/s.
    kind : DownSampling
        See `MPTBlocks`.
    """

    def __init__(self, channels: int, factor: int, kind: DownSampling = "average") -> None:
        super().__init__()
        self.factor, self.kind = factor, kind
        self.convolution = (
            nn.Conv2d(channels, channels, factor, factor, groups=channels, bias=False)
            if kind == "convolution"
            else None
        )
        self.project = None if kind == "no_linear" else nn.Conv2d(channels, channels, 1, bias=False)

    def pool(self, x: Tensor) -> Tensor:
        """p, ``(B, C, Y/factor, X/factor)``."""
        if self.convolution is not None:
            return self.convolution(x)
        if self.kind == "maximum":
            return F.max_pool2d(x, self.factor)
        if self.kind == "bicubic":
            return F.interpolate(x, scale_factor=1 / self.factor, mode="bicubic")
        return F.avg_pool2d(x, self.factor)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, Y, X)`` to ``(B, C, Y/factor, X/factor)``."""
        pooled = self.pool(x)
        if self.project is None:
            return pooled
        projected = self.project(pooled)
        return projected if self.kind == "no_shortcut" else pooled + projected
