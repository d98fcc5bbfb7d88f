from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dgno_core.numerics import chunked_scan as chunked
from dgno_core.numerics import selective_scan
from dgno_core.numerics.chunked_scan import chunk_length
from support.loops import scan_loops
from support.shared import load_fixture, needs_fixtures

NAMES = ("u", "delta", "A", "B", "C", "D")


def inputs(batch: int, d: int, n: int, length: int, seed: int = 0) -> dict[str, Tensor]:
    g = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    return {
        "u": normal(batch, d, length),
        "delta": normal(batch, d, length).exp() * 0.1,
        "A": -normal(d, n).exp(),
        "B": normal(batch, n, length),
        "C": normal(batch, n, length),
        "D": normal(d),
    }


@given(
    st.integers(1, 2), st.integers(1, 3), st.integers(1, 3), st.integers(1, 70), st.integers(1, 60)
)
@settings(max_examples=30, deadline=None)
def test_equals_plain_loops_for_any_chunking(batch, d, n, length, numbers) -> None:
    values = inputs(batch, d, n, length)
    usual = chunked._NUMBERS_PER_STEP
    chunked._NUMBERS_PER_STEP = numbers * batch * d * n
    try:
        y = selective_scan(**values, backend="chunked")
    finally:
        chunked._NUMBERS_PER_STEP = usual
    for b in range(batch):
        one = (values[k][b].numpy() if k not in "AD" else values[k].numpy() for k in NAMES)
        np.testing.assert_allclose(y[b].numpy(), scan_loops(*one), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("numbers", [1, 64, 10**6])
def test_gradients(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked, "_NUMBERS_PER_STEP", numbers)
    values = tuple(t.requires_grad_() for t in inputs(2, 2, 2, 37).values())
    assert torch.autograd.gradcheck(
        lambda *t: selective_scan(*t, backend="chunked"), values, atol=1e-8
    )


def test_graph_keeps_no_state_for_every_step() -> None:
    values = {k: t.requires_grad_() for k, t in inputs(1, 64, 8, 4096).items()}
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t.numel()) or t, lambda t: t
    ):
        selective_scan(**values, backend="chunked")
    every_state = 4096 * 64 * 8
    assert max(kept) <= every_state // 8


def test_large_steps_neither_overflow_nor_vanish_into_nan() -> None:
    values = {k: t.float() for k, t in inputs(1, 2, 2, 500).items()}
    values["delta"] = torch.full_like(values["delta"], 80.0)
    assert torch.isfinite(selective_scan(**values)).all()


def test_chunks_are_whole_blocks_and_cover_the_sequence() -> None:
    for length in (1, 15, 16, 1024, 65536):
        c = chunk_length(1, length, 96, 8)
        assert c % chunked._BLOCK == 0
        assert c >= min(length, chunked._BLOCK)


@needs_fixtures
@pytest.mark.parametrize("name", ["selective_scan", "selective_scan_long"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_fixtures_forward_and_backward(name: str, dtype: torch.dtype) -> None:
    fixture = load_fixture(name)
    cases = sorted({key.split("/")[0] for key in fixture if key.endswith("/u")})
    assert cases
    double = dtype == torch.float64
    for case in cases:
        values = {k: torch.tensor(fixture[f"{case}/{k}"]).to(dtype).requires_grad_() for k in NAMES}
        y = selective_scan(**values, backend="chunked")
        slow = case in ("long_4096_slow", "piecewise")
        atol = 1e-11 if double else 3e-4 if slow else 1e-4
        np.testing.assert_allclose(
            y.detach().double(), fixture[f"{case}/y_fp64"], atol=atol, rtol=0, err_msg=case
        )
        (y * torch.tensor(fixture[f"{case}/gy"]).to(dtype)).sum().backward()
        for k, value in values.items():
            key = f"{case}/grad_{k}"
            stored_double = f"{key}_fp64" in fixture
            expected = fixture[f"{key}_fp64" if stored_double else key].astype(np.float64)
            share = 1e-4 if not double else 1e-10 if stored_double else 1e-6
            assert value.grad is not None
            np.testing.assert_allclose(
                value.grad.double(), expected, rtol=0, atol=share * abs(expected).max(),
                err_msg=f"{case} {k}",
            )  # fmt: skip
