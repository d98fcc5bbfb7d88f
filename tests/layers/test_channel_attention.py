from __future__ import annotations

import torch

from dgno_core.layers.channel_attention import ChannelAttention, channel_weights
from support.half import half_and_exact, in_both_ways, in_half, random


@in_half
@in_both_ways
def test_weights_of_a_large_image_in_half_precision(half: torch.dtype, autocast: bool) -> None:
    """Products and norms are sums over 90,000 pixels, beyond the largest float16."""
    q = random(1, 2, 3, 300 * 300).to(half)
    k = (q.double() + random(1, 2, 3, 300 * 300, seed=1)).to(half)
    temperature = torch.full((2, 1, 1), 2.0, dtype=half)
    with torch.autocast("cpu", half, enabled=autocast):
        found = channel_weights(q, k, temperature)
    assert found.dtype == half
    exact = channel_weights(q.double(), k.double(), temperature.double())
    torch.testing.assert_close(found.double(), exact, rtol=torch.finfo(half).eps, atol=1e-5)


@in_half
@in_both_ways
def test_a_channel_that_is_zero_everywhere_has_a_value(half: torch.dtype, autocast: bool) -> None:
    torch.manual_seed(0)
    attention = ChannelAttention(4, 2).double()
    found, exact = half_and_exact(attention, torch.zeros(1, 4, 8, 8), half, autocast)
    assert torch.equal(found, exact)
