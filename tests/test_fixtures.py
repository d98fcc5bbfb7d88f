"""The promise of support/ledger.py, and that no fixture file is without a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support import ledger, shared
from support.ledger import every_array_of, folders_of
from support.shared import FIXTURES, needs_fixtures

# Work of a later release: ring deconvolution.
LATER = ("ring_",)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for module in (ledger, shared):
        monkeypatch.setattr(module, "FIXTURES", tmp_path)
    arrays = {
        "one/input": np.arange(3.0),
        "one/param/w": np.ones(2),
        "one/output": np.arange(3.0),
        "two/output_fp64": np.float64(1),
        "alone": np.arange(2),
        "index_json": np.zeros(4, np.uint8),
    }
    np.savez(tmp_path / "file.npz", **arrays)
    return "file"


def test_arrays_that_were_all_used_are_in_order(file: str) -> None:
    with every_array_of(file) as arrays:
        assert arrays.folders() == ["one", "two"]
        one = arrays.folder("one")
        assert dict(one.folder("param")).keys() == {"w"}
        one.agree("output", one["input"])
        arrays.agree("two/output_fp64", 1.0)
        arrays.agree("alone", [0, 1])


def test_a_result_that_was_only_read_counts_as_left_aside(file: str) -> None:
    with (
        pytest.raises(AssertionError, match=r"3 arrays .*'alone', 'one/output', 'two/output_fp64'"),
        every_array_of(file) as arrays,
    ):
        dict(arrays)


def test_names_alone_use_nothing(file: str) -> None:
    with pytest.raises(AssertionError, match="5 arrays"), every_array_of(file) as arrays:
        assert {"one/output", "index_json"} < set(arrays)


@pytest.mark.parametrize("wrong", [[0, 1, 2.1], [0, 1], [[0, 1, 2]], 1.0, [0, 1, np.nan]])
def test_a_result_must_agree_in_shape_and_number(file: str, wrong: object) -> None:
    with pytest.raises(AssertionError, match="one/output"), every_array_of(file, "one") as arrays:
        arrays.agree("output", np.asarray(wrong), atol=0.05)


def test_a_folder_is_watched_alone(file: str) -> None:
    assert folders_of(file) == {"one", "two"}
    with every_array_of(file, "two") as arrays:
        arrays.agree("output_fp64", 1.0)
    with every_array_of(file, "alone") as arrays:
        assert list(arrays) == [""]
        arrays.agree("", [0, 1])
    with pytest.raises(AssertionError, match="three"), every_array_of(file, "three"):
        pass


def test_the_fault_of_a_test_is_shown_before_what_it_left_aside(file: str) -> None:
    with pytest.raises(ZeroDivisionError), every_array_of(file):
        _ = 1 / 0


@needs_fixtures
def test_every_fixture_file_is_named_by_a_test() -> None:
    sources = "\n".join(path.read_text() for path in Path(__file__).parent.rglob("test_*.py"))
    files = {path.stem for path in FIXTURES.glob("*.npz") if not path.stem.startswith(LATER)}
    assert files
    named = {name for name in files if f'"{name}"' in sources or f'"{name}.npz"' in sources}
    assert named == files
