"""Channel layer norm, and the per-head normalisation of keys and values."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.numerics.precision import widen


class ChannelNorm(nn.Module):
    """Layer norm over the channels of every pixel, with weight and bias (eps 1e-5).

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(B, C, Y, X)``; free of copies where `x` is channels-last."""
        last = x.permute(0, 2, 3, 1)
        return F.layer_norm(last, last.shape[-1:], self.weight, self.bias).permute(0, 3, 1, 2)


class HeadNorm(nn.Module):
    """The ``Ln`` of Eqs. 11 and 13: normalise keys or values over the channels of each head.

    ``(x - mean) / (std + 1e-5)`` with the unbiased standard deviation, then an affine map. Mean
    and deviation are taken in at least float32: in half precision a small variance is none.

    Parameters
    ----------
    heads, d : int
        Heads and channels a head.
    """

    def __init__(self, heads: int, d: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(heads, d))
        self.bias = nn.Parameter(torch.zeros(heads, d))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(B, heads, d, Y, X)``."""
        wide = widen(x)
        centred = wide - wide.mean(2, keepdim=True)
        variance = centred.square().sum(2, keepdim=True) / max(x.shape[2] - 1, 1)
        # The square root has no slope at zero, where all channels agree.
        deviation = (variance + torch.finfo(wide.dtype).tiny).sqrt()
        # Divide the small tensor, not the large one: a division and its gradient are slow.
        scaled = centred * (deviation + 1e-5).reciprocal()
        normalised = scaled * self.weight[:, :, None, None] + self.bias[:, :, None, None]
        return normalised.to(torch.result_type(x, self.weight))
