from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch
from torch import Tensor

from dgno_core.numerics import scan, selective_scan


@pytest.fixture
def inputs() -> list[Tensor]:
    g = torch.Generator().manual_seed(0)
    u, delta = torch.rand(2, 2, 3, 20, generator=g)
    B, C = torch.randn(2, 2, 4, 20, generator=g)
    return [u, delta, -torch.rand(3, 4, generator=g), B, C, torch.rand(3, generator=g)]


def kernel_like_mambas(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor):  # noqa: ANN201
    """The interface of the package's kernel: a group axis in B and C, tensors without gaps."""
    assert B.shape == (2, 1, 4, 20)
    assert all(t.is_contiguous() for t in (u, delta, B, C))
    return selective_scan(u, delta, A, B[:, 0], C[:, 0], D, backend="chunked")


def test_the_kernel_is_called_as_it_wants(inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = selective_scan(*inputs, backend="chunked")
    monkeypatch.setattr(scan, "mamba_kernel", lambda: kernel_like_mambas)
    torch.testing.assert_close(selective_scan(*inputs, backend="mamba"), expected)


def test_chunked_means_chunked_even_where_the_kernel_would_fit(
    inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: Tensor) -> Tensor:
        raise AssertionError("the kernel was called")

    monkeypatch.setattr(scan, "choose_backend", lambda u: "mamba")
    monkeypatch.setattr(scan, "mamba_kernel", lambda: forbidden)
    assert selective_scan(*inputs, backend="chunked").shape == inputs[0].shape
    with pytest.raises(AssertionError, match="was called"):
        selective_scan(*inputs)


def test_a_package_that_does_not_load_is_as_good_as_none(
    inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = ModuleType("mamba_ssm")  # has no `ops`: as if built for another torch
    monkeypatch.setitem(sys.modules, "mamba_ssm", broken)
    scan.mamba_kernel.cache_clear()
    try:
        assert scan.mamba_kernel() is None
        assert scan.choose_backend(inputs[0]) == "chunked"
        with pytest.raises(ImportError, match="mamba-ssm"):
            selective_scan(*inputs, backend="mamba")
    finally:
        scan.mamba_kernel.cache_clear()
