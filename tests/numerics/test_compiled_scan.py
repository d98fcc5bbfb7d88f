"""The compiled scan; `.ci/run` installs a compiler, elsewhere it may be missing."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor

from dgno_core.encoders.attentive_scan import AttentiveScan, use_backend
from dgno_core.errors import DGNOError
from dgno_core.models import build_model
from dgno_core.numerics import compiled_scan, selective_scan
from support.small_nets import SMALL

needs_compiler = pytest.mark.skipif(
    shutil.which("c++") is None or sys.platform != "linux", reason="no C++ compiler here"
)


def inputs(batch: int, d: int, n: int, length: int) -> list[Tensor]:
    g = torch.Generator().manual_seed(length)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    u, delta = normal(batch, d, length), normal(batch, d, length).exp() * 0.1
    return [
        u, delta, -normal(d, n).exp(), normal(batch, n, length), normal(batch, n, length), normal(d)
    ]  # fmt: skip


def with_gradients(tensors: list[Tensor], backend: str) -> tuple[Tensor, ...]:
    leaves = [t.clone().requires_grad_() for t in tensors]
    y = selective_scan(*leaves, backend=backend)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
    return (y.detach(), *torch.autograd.grad((y * weights).sum(), leaves))


@needs_compiler
@pytest.mark.parametrize(
    ("batch", "d", "n", "length"),
    [(1, 16, 8, 1), (2, 32, 8, 64), (2, 48, 8, 200), (1, 16, 4, 65), (1, 16, 16, 130)],
)
def test_equals_the_chunked_scan_in_double_precision(batch, d, n, length) -> None:
    tensors = inputs(batch, d, n, length)
    exact = with_gradients([t.double() for t in tensors], "chunked")
    fast = with_gradients(tensors, "compiled")
    for found, expected in zip(fast, exact, strict=True):
        scale = float(expected.abs().max())
        np.testing.assert_allclose(found.double(), expected, atol=3e-6 * scale, rtol=0)


@needs_compiler
def test_huge_steps_forget_everything_without_nan() -> None:
    u, delta, A, B, C, D = inputs(1, 16, 8, 40)
    y, *gradients = with_gradients([u, delta * 1e6, A, B, C, D], "compiled")
    assert all(torch.isfinite(t).all() for t in (y, *gradients))


@needs_compiler
def test_denormal_numbers_stay_what_they_are() -> None:
    compiled_scan.scan_library(8)
    assert float(torch.tensor(1e-39) * 1) > 0


@needs_compiler
def test_a_network_gives_the_same_image() -> None:
    network = build_model(SMALL["dgno-cell"]).eval()
    image = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network(image)[-1]
        use_backend(network, "compiled")
        assert all(
            m.backend == "compiled" for m in network.modules() if isinstance(m, AttentiveScan)
        )
        torch.testing.assert_close(network(image)[-1], expected, atol=1e-4, rtol=0)


def test_what_does_not_suit_it_goes_the_usual_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_scan, "scan_library", lambda states: pytest.fail("compiled"))
    for tensors in (inputs(1, 3, 4, 20), [t.double() for t in inputs(1, 16, 8, 20)]):
        expected = selective_scan(*tensors, backend="chunked")
        assert torch.equal(selective_scan(*tensors, backend="compiled"), expected)


@pytest.mark.parametrize("odd", range(1, 5))
def test_one_tensor_of_another_type_goes_the_usual_way(odd, monkeypatch) -> None:
    monkeypatch.setattr(compiled_scan, "scan_library", lambda states: pytest.fail("compiled"))
    tensors = inputs(1, 16, 8, 20)
    tensors[odd] = tensors[odd].double()
    expected = selective_scan(*tensors, backend="chunked")
    assert torch.equal(selective_scan(*tensors, backend="compiled"), expected)


@pytest.mark.parametrize("odd", range(1, 5))
def test_shapes_that_do_not_fit_never_reach_the_kernel(odd, monkeypatch) -> None:
    monkeypatch.setattr(compiled_scan, "scan_library", lambda states: pytest.fail("compiled"))
    tensors = inputs(1, 16, 8, 20)
    tensors[odd] = tensors[odd][..., :5]
    with pytest.raises(ValueError, match="fit together"):
        selective_scan(*tensors, backend="compiled")


@pytest.fixture
def _forget() -> None:
    compiled_scan.scan_library.cache_clear()


@pytest.mark.usefixtures("_forget")
def test_no_compiler_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(DGNOError, match=r"no C\+\+ compiler.*install one"):
        selective_scan(*inputs(1, 16, 8, 20), backend="compiled")


@pytest.mark.usefixtures("_forget")
def test_a_compiler_that_fails_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="unsupported option '-fopenmp'\nx")

    monkeypatch.setenv("CXX", sys.executable)
    monkeypatch.setattr(compiled_scan.subprocess, "run", fail)
    with pytest.raises(DGNOError, match=r"unsupported option '-fopenmp'.*leave out") as told:
        compiled_scan.scan_library(8)
    assert "\n" not in str(told.value)
