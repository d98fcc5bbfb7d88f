from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dgno_core.encoders.lifting import ShallowFeatures
from dgno_core.layers.norms import ChannelNorm, HeadNorm
from support.half import half_and_exact, in_both_ways, in_half, random


def head_norm(heads: int, d: int) -> HeadNorm:
    norm = HeadNorm(heads, d).double()
    with torch.no_grad():
        norm.weight.copy_(random(heads, d, seed=1))
        norm.bias.copy_(random(heads, d, seed=2))
    return norm


def test_equals_its_definition_pixel_by_pixel() -> None:
    norm, x = head_norm(2, 4), random(2, 2, 4, 3, 5)
    out = norm(x).detach()
    for b, h, i, j in torch.cartesian_prod(*map(torch.arange, (2, 2, 3, 5))).tolist():
        pixel = x[b, h, :, i, j]
        # torch.std is the unbiased one.
        expected = (pixel - pixel.mean()) / (pixel.std() + 1e-5) * norm.weight[h] + norm.bias[h]
        torch.testing.assert_close(out[b, h, :, i, j], expected.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("d", [2, 3, 6])
def test_gradients(d: int) -> None:
    norm, x = head_norm(2, d), random(1, 2, d, 2, 3).requires_grad_()

    def function(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.func.functional_call(norm, {"weight": weight, "bias": bias}, x)

    assert torch.autograd.gradcheck(function, (x, norm.weight, norm.bias))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("d", [1, 3])
def test_channels_that_all_agree_have_a_value_and_a_gradient(d: int, dtype: torch.dtype) -> None:
    norm = head_norm(2, d).to(dtype)
    x = torch.full((1, 2, d, 4, 4), 0.7, dtype=dtype, requires_grad=True)
    out = norm(x)
    torch.testing.assert_close(out, norm.bias[None, :, :, None, None].expand_as(out))
    out.square().sum().backward()
    assert x.grad.isfinite().all()


@in_half
@in_both_ways
@pytest.mark.parametrize("sigma", [1.0, 0.1, 0.01])
def test_heads_of_small_contrast_are_normalised_in_half_precision(
    sigma: float, half: torch.dtype, autocast: bool
) -> None:
    x = sigma * random(1, 2, 6, 16, 16)
    found, exact = half_and_exact(head_norm(2, 6), x, half, autocast)
    # Only the result is rounded.
    torch.testing.assert_close(found, exact, rtol=torch.finfo(half).eps, atol=1e-5)


@in_half
@in_both_ways
@pytest.mark.parametrize("sigma", [1.0, 0.1, 0.01])
def test_pixels_and_images_of_small_contrast_too(
    sigma: float, half: torch.dtype, autocast: bool
) -> None:
    x = sigma * random(2, 6, 300, 300)
    for norm in (ChannelNorm(6), ShallowFeatures(1, 6).norm):
        found, exact = half_and_exact(norm.double(), x, half, autocast)
        torch.testing.assert_close(found, exact, rtol=torch.finfo(half).eps, atol=1e-4)
