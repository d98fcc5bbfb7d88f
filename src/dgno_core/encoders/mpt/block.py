"""MPT's sub-block (paper Fig. 2): two attentions side by side, joined by FEFN.

The one across scales has a file of its own, `cross_scale`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.encoders.mpt.cross_scale import CrossScaleAttention
from dgno_core.encoders.mpt.released import ReleasedCrossScaleAttention
from dgno_core.encoders.mpt_config import Fusion, MPTBlocks
from dgno_core.layers.channel_attention import channel_weights
from dgno_core.layers.norms import ChannelNorm


class IntraScaleAttention(nn.Module):
    """Intra-scale channel attention ISCA (paper Sec. 3.1, Eq. 2).

    Every channel of a head becomes a weighted mean of that head's channels.

    The weights of a head are ``softmax(temperature cos(q_a, k_b))`` over b, the cosine taken over
    all pixels. Eq. 2 writes neither cosine nor temperature, but the released parameters hold the
    temperature: this is Restormer's attention, with queries apart from keys and values.

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` input and output.
    heads : int
        Number of heads, a divisor of C.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.query = nn.Conv2d(channels, channels, 1, bias=False)
        self.key_value = nn.Conv2d(channels, 2 * channels, 1, bias=False)
        self.query_mix = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.key_value_mix = nn.Conv2d(
            2 * channels, 2 * channels, 3, padding=1, groups=2 * channels, bias=False
        )
        self.project = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, Y, X)``, normalised, to the same shape."""
        heads = self.temperature.shape[0]
        key, value = self.key_value_mix(self.key_value(x)).chunk(2, dim=1)
        q, k, v = (
            t.flatten(2).unflatten(1, (heads, -1))
            for t in (self.query_mix(self.query(x)), key, value)
        )
        attended = channel_weights(q, k, self.temperature) @ v
        return self.project(attended.reshape(x.shape))


class FeatureEnhancing(nn.Module):
    """The feature-enhancing feed-forward network FEFN (paper Eq. 3, Tables 4 and 9).

    ``W_p(GELU(x2') x1')``, without the normalisation before and the shortcut behind.

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
