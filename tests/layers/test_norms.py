from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dgno_core.layers.norms import HeadNorm


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


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
