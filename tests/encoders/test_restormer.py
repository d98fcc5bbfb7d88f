from __future__ import annotations

from math import erf

import numpy as np
import pytest
import torch

from dgno_core.encoders.restormer import RestormerBlock
from dgno_core.layers.channel_attention import ChannelAttention
from support.blocks import convolve, layer_norm, randomised


def channel_attention(x: np.ndarray, p: dict[str, np.ndarray], name: str = "") -> np.ndarray:
    """Eq. 1, pair of channels by pair of channels; `x` is ``(C, Y, X)``."""
    q, k, v = np.split(convolve(convolve(x, p, f"{name}qkv"), p, f"{name}mix"), 3)
    temperatures = p[f"{name}temperature"].ravel()
    c = len(x) // len(temperatures)
    out = np.zeros_like(x)
    for a in range(len(x)):
        head = a // c
        partners = range(head * c, (head + 1) * c)
        scores = [
            temperatures[head]
            * (q[a] * k[b]).sum()
            / np.sqrt((q[a] ** 2).sum() * (k[b] ** 2).sum())
            for b in partners
        ]
        weights = np.exp(scores) / np.exp(scores).sum()
        for weight, b in zip(weights, partners, strict=True):
            out[a] += weight * v[b]
    return convolve(out, p, f"{name}project")


def feed_forward(x: np.ndarray, p: dict[str, np.ndarray], name: str) -> np.ndarray:
    gate, value = np.split(convolve(convolve(x, p, f"{name}expand"), p, f"{name}mix"), 2)
    gelu = np.vectorize(lambda t: t * (1 + erf(t / 2**0.5)) / 2)
    return convolve(gelu(gate) * value, p, f"{name}project")


def image(channels: int, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, channels, 5, 7, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_block_equals_plain_loops(heads: int, memory_format: torch.memory_format) -> None:
    block = randomised(RestormerBlock(8, heads, 2.66)).double()
    x = image(8)
    p = {name: tensor.detach().numpy() for name, tensor in block.state_dict().items()}
    expected = []
    for y in x.numpy():
        norm = layer_norm(y, p["attention_norm.weight"], p["attention_norm.bias"])
        y = y + channel_attention(norm, p, "attention.")
        norm = layer_norm(y, p["feed_norm.weight"], p["feed_norm.bias"])
        expected.append(y + feed_forward(norm, p, "feed."))
    output = block(x.contiguous(memory_format=memory_format))
    np.testing.assert_allclose(output.detach(), np.stack(expected), rtol=0, atol=1e-11)


def test_the_attention_gradient_is_right() -> None:
    attention = randomised(ChannelAttention(4, 2)).double()
    x = image(4, batch=1).requires_grad_()
    assert torch.autograd.gradcheck(attention, (x,))


def test_a_dark_image_gives_zero_and_finite_gradients() -> None:
    attention = randomised(ChannelAttention(4, 2))
    x = torch.zeros(1, 4, 8, 8, requires_grad=True)
    output = attention(x)
    output.sum().backward()
    assert torch.equal(output, torch.zeros_like(output))
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_the_attention_makes_no_copy_of_the_maps() -> None:
    """Peak memory: queries, keys and values before and after the depthwise convolution."""
    from dgno_core.models.live_bytes import LiveBytes

    with torch.device("meta"), torch.no_grad():
        attention, x = ChannelAttention(8, 2), torch.empty(1, 8, 64, 64)
        with LiveBytes() as memory:
            attention(x)
    maps = memory.peak / (x.numel() * x.element_size())
    assert 6 <= maps < 6.1


def test_blocks_have_biases_in_their_norms_only() -> None:
    names = [name for name, _ in RestormerBlock(8, 2).named_parameters() if name.endswith("bias")]
    assert names == ["attention_norm.bias", "feed_norm.bias"]
