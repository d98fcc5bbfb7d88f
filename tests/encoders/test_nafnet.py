from __future__ import annotations

import numpy as np
import pytest
import torch

from dgno_core.encoders.nafnet import NAFBlock
from support.blocks import convolve, layer_norm, randomised


def gate(x: np.ndarray) -> np.ndarray:
    half = len(x) // 2
    return np.stack([x[c] * x[half + c] for c in range(half)])


def naf_block(x: np.ndarray, p: dict[str, np.ndarray]) -> np.ndarray:
    """Figure 3c, channel by channel; `x` is ``(C, Y, X)``."""
    u = convolve(layer_norm(x, p["norm.weight"], p["norm.bias"]), p, "attend.0")
    u = gate(convolve(u, p, "attend.1"))
    means = np.array([channel.mean() for channel in u])
    scales = p["attend.3.mix.weight"][:, :, 0, 0] @ means + p["attend.3.mix.bias"]
    u = np.stack([channel * scale for channel, scale in zip(u, scales, strict=True)])
    x = x + p["beta"] * convolve(u, p, "attend.4")
    u = convolve(layer_norm(x, p["feed_norm.weight"], p["feed_norm.bias"]), p, "feed.0")
    return x + p["gamma"] * convolve(gate(u), p, "feed.2")


@pytest.mark.parametrize(("expansion", "feed_expansion"), [(2, 2), (4, 2), (2, 3)])
def test_the_block_equals_plain_loops(expansion: int, feed_expansion: int) -> None:
    block = randomised(NAFBlock(4, expansion, feed_expansion)).double()
    x = torch.randn(2, 4, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    p = {name: tensor.detach().numpy() for name, tensor in block.state_dict().items()}
    expected = np.stack([naf_block(image.numpy(), p) for image in x])
    np.testing.assert_allclose(block(x).detach(), expected, rtol=0, atol=1e-12)


def test_a_new_block_is_the_identity() -> None:
    x = torch.randn(1, 6, 8, 8)
    assert torch.equal(NAFBlock(6)(x), x)


def test_a_new_block_learns_its_scales_first() -> None:
    block = NAFBlock(4)
    block(torch.randn(1, 4, 8, 8)).square().sum().backward()
    gradients = {name: p.grad for name, p in block.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    moving = {name for name, gradient in gradients.items() if gradient.abs().max() > 0}
    assert moving == {"beta", "gamma"}


def test_an_odd_width_has_no_halves() -> None:
    with pytest.raises(ValueError, match="halve 3"):
        NAFBlock(3, expansion=1)
