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
from support.ledger import every_array_of, folders_of
from support.loops import scan_loops
from support.shared import needs_fixtures

NAMES = ("u", "delta", "A", "B", "C", "D")
STORED = {
    "selective_scan": (
        "small", "length1", "default_range", "large_delta", "huge_decay", "tiny_delta",
    ),
    "selective_scan_long": (
        "mixed_delta", "long_4096", "long_4096_slow", "odd_length_n1", "piecewise",
    ),
}  # fmt: skip
# In float32, another order of summation shows on these two.
FLOAT32_ATOL = {"long_4096_slow": 3e-4, "piecewise": 3e-4}


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


@pytest.mark.parametrize(("numbers", "chunks"), [(1, 1), (10**6, 3)])
def test_gradients(numbers: int, chunks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked, "_NUMBERS_PER_STEP", numbers)
    monkeypatch.setattr(chunked, "_BLOCK", 4)
    length = 11
    assert -(-length // chunk_length(2, length, 2, 2)) == chunks
    values = tuple(t.requires_grad_() for t in inputs(2, 2, 2, length).values())
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
@pytest.mark.parametrize(
    ("file", "case"), [(file, case) for file, cases in STORED.items() for case in cases]
)
@pytest.mark.parametrize(("block", "steps"), [(16, None), (16, 16), (7, 21)])
def test_equals_the_stored_scans(
    file: str, case: str, block: int, steps: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked, "_BLOCK", block)
    if steps is not None:
        monkeypatch.setattr(chunked, "chunk_length", lambda *sizes: steps)
    with every_array_of(file, case) as arrays:
        for dtype in (torch.float64, torch.float32):
            double = dtype == torch.float64
            values = {k: torch.tensor(arrays[k]).to(dtype).requires_grad_() for k in NAMES}
            y = selective_scan(**values, backend="chunked")
            (y * torch.tensor(arrays["gy"]).to(dtype)).sum().backward()
            arrays.agree(
                "y_fp64", y.detach(), atol=1e-11 if double else FLOAT32_ATOL.get(case, 1e-4)
            )
            for k, value in values.items():
                key = f"grad_{k}_fp64" if f"grad_{k}_fp64" in arrays else f"grad_{k}"
                stored_double = arrays[key].dtype == np.float64
                share = 1e-4 if not double else 1e-10 if stored_double else 1e-6
                arrays.agree(key, value.grad, atol=share * abs(arrays[key]).max())


@needs_fixtures
def test_every_stored_scan_is_among_the_cases() -> None:
    assert folders_of("selective_scan_long") == set(STORED["selective_scan_long"])
    # How the encoder makes its steps is stored too: tests/encoders/test_attentive_scan.py.
    assert folders_of("selective_scan") == {*STORED["selective_scan"], "softplus"}
