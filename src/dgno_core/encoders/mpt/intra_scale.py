"""Intra-scale channel attention ISCA (paper Sec. 3.1, Eq. 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgno_core.layers.channel_attention import channel_weights


class IntraScaleAttention(nn.Module):
    """Every channel of a head becomes a weighted mean of that head's channels.

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
