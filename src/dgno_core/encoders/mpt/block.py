"""MPT's sub-block (paper Fig. 2): two attentions side by side, joined by FEFN."""

from __future__ import annotations

from torch import Tensor, nn

from dgno_core.encoders.mpt.cross_scale import CrossScaleAttention
from dgno_core.encoders.mpt.feed import FeatureEnhancing
from dgno_core.encoders.mpt.intra_scale import IntraScaleAttention
from dgno_core.encoders.mpt.released import ReleasedCrossScaleAttention
from dgno_core.encoders.mpt_config import MPTBlocks
from dgno_core.layers.norms import ChannelNorm


class MPTBlock(nn.Module):
    """``x1 = x + CSWA(LN x)``, ``x2 = x + ISCA(LN x)``, then ``FEFN(LN x1, LN x2) + x1``.

    The released code computes ``FEFN(LN x1, LN x2) + x2`` instead, at every scale and whichever
    windows meet: it is a choice of its own (``config.shortcut``), not one of the alignment.

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` input and output.
    config : MPTBlocks
        Settings of all blocks.
    level : int
        0 for full size, 1 for half, ...
    index : int
        Number of the block in its stage, from 0 on; every second one shifts its windows.
    """

    def __init__(self, channels: int, config: MPTBlocks, level: int, index: int) -> None:
        super().__init__()
        self.shortcut = config.shortcut
        first, second = config.attention.split("+")
        self.attention_norm = ChannelNorm(channels)
        self.first = _attention(first, channels, config, level, index)
        self.second = _attention(second, channels, config, level, index)
        self.first_norm = ChannelNorm(channels)
        self.second_norm = ChannelNorm(channels)
        self.feed = FeatureEnhancing(channels, config.expansion, config.fusion)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, Y, X)`` to the same shape."""
        normalised = self.attention_norm(x)
        x1 = x + self.first(normalised)
        x2 = x + self.second(normalised)
        joined: Tensor = self.feed(self.first_norm(x1), self.second_norm(x2))
        match self.shortcut:
            case "x1":
                return joined + x1
            case "x2":
                return joined + x2
            case "both":
                return joined + x1 + x2
        return joined


def _attention(name: str, channels: int, config: MPTBlocks, level: int, index: int) -> nn.Module:
    """One of the two attentions of a block."""
    heads = config.heads[level]
    if name == "isca":
        return IntraScaleAttention(channels, heads)
    kind = ReleasedCrossScaleAttention if config.alignment == "official" else CrossScaleAttention
    return kind(
        channels,
        heads,
        window=config.window,
        reduction=config.reductions[level][index] if name == "cswa" else 1,
        shift=config.shift and index % 2 == 1,
        down_sampling=config.down_sampling,
        np_conv=config.np_conv,
    )
