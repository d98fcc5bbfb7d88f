"""Attention across channels: Restormer's MDTA (arXiv 2111.09881, Sec. 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgno_core.numerics.precision import in_float32

SMALLEST_NORM = 1e-12


def channel_weights(q: Tensor, k: Tensor, temperature: Tensor) -> Tensor:
    """Attention matrices ``softmax(temperature cos(q_a, k_b))`` over b.

    The cosine divides the products by the norms, so that no normalised copy of the maps is made.
    Products and norms are sums over the image: they are taken in at least float32.

    Parameters
    ----------
    q, k : Tensor
        ``(B, heads, c, L)``: channels of a head, pixels.
    temperature : Tensor
        ``(heads, 1, 1)``.

    Returns
    -------
    Tensor
        ``(B, heads, c, c)``, of the type of `q`; rows sum to one.
    """
    return in_float32(_channel_weights, q, k, temperature).to(q.dtype)


def _channel_weights(q: Tensor, k: Tensor, temperature: Tensor) -> Tensor:
    products = torch.matmul(q, k.transpose(-1, -2))
    q_norm, k_norm = (torch.linalg.vector_norm(t, dim=-1).clamp_min(SMALLEST_NORM) for t in (q, k))
    cosines = products / q_norm[..., :, None] / k_norm[..., None, :]
    return torch.softmax(cosines * temperature, dim=-1)


class ChannelAttention(nn.Module):
    """Every channel of a head becomes a weighted mean of that head's channels.

    Queries, keys and values come from a 1x1 and a depthwise 3x3 convolution; the weights of a
    head are ``softmax(temperature cos(q_a, k_b))`` over b, the cosine taken over all pixels. No
    biases. The matrices are ``(C / heads, C / heads)`` whatever the size of the image.

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
        self.qkv = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.mix = nn.Conv2d(
            3 * channels, 3 * channels, 3, padding=1, groups=3 * channels, bias=False
        )
        self.project = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, Y, X)`` to the same shape."""
        heads = self.temperature.shape[0]
        b, c, height, width = x.shape
        # A view also where the map is channels-last.
        q, k, v = self.mix(self.qkv(x)).view(b, 3, heads, c // heads, height * width).unbind(1)
        attended = torch.matmul(channel_weights(q, k, self.temperature), v)
        return self.project(attended.reshape(x.shape))
