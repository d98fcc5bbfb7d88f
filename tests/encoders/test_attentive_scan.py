from __future__ import annotations

from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.encoders import attentive_scan
from dgno_core.encoders.attentive_scan import AttentiveScan, _put_back, _take
from dgno_core.encoders.config import RoutingGradient
from support.ledger import every_array_of
from support.shared import needs_fixtures


class Given(nn.Module):
    """Gives the same tensor, whatever comes."""

    def __init__(self, tensor: Tensor) -> None:
        super().__init__()
        self.tensor = tensor

    def forward(self, _: Tensor) -> Tensor:
        return self.tensor


@needs_fixtures
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_the_bias_of_the_step_is_inside_its_softplus(
    dtype: torch.dtype, atol: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feed the stored raw steps in where the selection leaves off, and catch what the scan gets."""
    steps = []

    def scan(u: Tensor, delta: Tensor, *_: Tensor, backend: str) -> Tensor:
        steps.append(delta)
        return u

    monkeypatch.setattr(attentive_scan, "scan_channels_last", scan)
    with every_array_of("selective_scan", "softplus") as arrays, torch.no_grad():
        raw = torch.tensor(arrays["raw"]).to(dtype).transpose(1, 2)
        hidden = raw.shape[-1]
        module = AttentiveScan(hidden // 2, state=2, tokens=4, rank=3).to(dtype)
        module.dt_rank = hidden
        module.select = Given(torch.cat([raw, torch.zeros_like(raw[..., :4])], dim=-1))
        module.step = nn.Linear(hidden, hidden, dtype=dtype)
        module.step.weight.copy_(torch.eye(hidden))
        module.step.bias.copy_(torch.tensor(arrays["bias"]))
        module(torch.rand(1, hidden // 2, 8, 8, dtype=dtype), torch.rand(3, 2, dtype=dtype))
        arrays.agree("delta_fp64", steps[0].transpose(1, 2), atol=atol)


@given(st.integers(1, 3), st.integers(1, 30), st.integers(1, 4), st.integers(0, 2**16))
@settings(max_examples=30, deadline=None)
def test_what_was_sorted_goes_back_to_its_place(batch, length, f, seed) -> None:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randn(batch, length, f, generator=generator)
    tokens = torch.randint(0, 4, (batch, length), generator=generator)
    order = torch.argsort(tokens, dim=-1, stable=True)
    taken = _take(pixels, order)
    for b in range(batch):
        assert torch.equal(taken[b], pixels[b, order[b]])
    assert torch.equal(_put_back(taken, order), pixels)


def test_the_prompt_is_a_row_of_the_dictionary_with_the_slope_of_the_soft_choice() -> None:
    generator = torch.Generator().manual_seed(0)
    module = AttentiveScan(6, state=2, tokens=5, rank=3).double()
    pixels = torch.randn(2, 7, 6, dtype=torch.float64, generator=generator)
    dictionary = torch.randn(5, 2, dtype=torch.float64, generator=generator, requires_grad=True)
    upstream = torch.randn(2, 7, 2, dtype=torch.float64, generator=generator)

    category, scores = module.categories(pixels)
    prompt = module.prompts(category, scores, dictionary)
    torch.testing.assert_close(prompt, dictionary[category])

    routers = list(module.route.parameters())
    *to_router, to_dictionary = torch.autograd.grad(prompt, [*routers, dictionary], upstream)
    soft = torch.softmax(module.route(pixels), -1) @ dictionary.detach()
    torch.testing.assert_close(to_router, list(torch.autograd.grad(soft, routers, upstream)))
    rows = dictionary[category]
    torch.testing.assert_close(to_dictionary, *torch.autograd.grad(rows, [dictionary], upstream))


def test_routing_noise_draws_from_the_routers_softmax() -> None:
    torch.manual_seed(0)
    module = AttentiveScan(3, state=1, tokens=4, rank=2, routing_noise=True)
    pixels = torch.randn(1, 1, 3).expand(1, 40_000, 3)
    category, scores = module.train().categories(pixels)
    frequencies = torch.bincount(category[0], minlength=4) / 40_000
    torch.testing.assert_close(frequencies, scores[0, 0].exp().detach(), rtol=0, atol=0.015)
    quiet, _ = module.eval().categories(pixels)
    assert torch.equal(quiet, scores.argmax(-1))


def routed(
    gradient: RoutingGradient, pixels: Tensor, dictionary: Tensor
) -> tuple[AttentiveScan, Tensor]:
    """A router in float64 while it trains, and the prompts of its draw with seed 7."""
    torch.manual_seed(0)
    module = AttentiveScan(
        6, state=2, tokens=5, rank=3, routing_noise=True, routing_gradient=gradient
    )
    module.double().train()
    torch.manual_seed(7)
    return module, module.prompts(*module.categories(pixels), dictionary)


@pytest.mark.parametrize("gradient", get_args(RoutingGradient))
def test_the_gradient_of_a_drawn_token(gradient: RoutingGradient) -> None:
    """That of ``softmax(x) D``, ``dx_t = p_t (w_t - sum_s p_s w_s)`` with ``w = D upstream``."""
    generator = torch.Generator().manual_seed(1)
    pixels, dictionary, upstream = (
        torch.randn(*shape, dtype=torch.float64, generator=generator)
        for shape in ((2, 50, 6), (5, 2), (2, 50, 2))
    )
    module, prompts = routed(gradient, pixels, dictionary)
    routers = list(module.route.parameters())
    found = torch.autograd.grad(prompts, routers, upstream)

    logits = module.route(pixels)
    torch.manual_seed(7)
    noise = -torch.empty_like(logits).exponential_().log()
    noisy = logits.detach() + noise
    assert torch.equal(prompts, dictionary[noisy.argmax(-1)])
    assert not torch.equal(noisy.argmax(-1), logits.argmax(-1))
    chance = torch.softmax(noisy if gradient == "gumbel" else logits.detach(), -1)
    slope = upstream @ dictionary.T
    to_logits = chance * (slope - (chance * slope).sum(-1, keepdim=True))
    torch.testing.assert_close(found, torch.autograd.grad(logits, routers, to_logits))


def test_with_the_papers_gradient_it_is_the_hard_gumbel_softmax() -> None:
    generator = torch.Generator().manual_seed(1)
    pixels, upstream = (
        torch.randn(2, 50, c, dtype=torch.float64, generator=generator) for c in (6, 2)
    )
    dictionary = torch.randn(5, 2, dtype=torch.float64, generator=generator, requires_grad=True)
    module, prompts = routed("gumbel", pixels, dictionary)
    wanted = [*module.route.parameters(), dictionary]
    found = torch.autograd.grad(prompts, wanted, upstream)

    torch.manual_seed(7)
    scores = F.log_softmax(module.route(pixels), dim=-1)
    released = F.gumbel_softmax(scores, hard=True) @ dictionary
    torch.testing.assert_close(prompts, released)
    torch.testing.assert_close(found, torch.autograd.grad(released, wanted, upstream))


def test_without_noise_both_gradients_are_one() -> None:
    torch.manual_seed(0)
    pixels, dictionary = torch.randn(1, 20, 6), torch.randn(5, 2)
    module = AttentiveScan(6, state=2, tokens=5, rank=3).train()
    gradients = []
    for gradient in get_args(RoutingGradient):
        module.routing_gradient = gradient
        prompts = module.prompts(*module.categories(pixels), dictionary)
        gradients.append(torch.autograd.grad(prompts.sum(), list(module.route.parameters())))
    torch.testing.assert_close(*gradients, rtol=0, atol=0)
