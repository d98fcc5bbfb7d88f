from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Dgno = Callable[..., Any]


def test_a_folder_without_the_table_is_one_line(dgno: Dgno, tmp_path: Path) -> None:
    ended = dgno("evaluate", "--data", tmp_path, "--out", tmp_path / "out")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "EVAL.tsv" in ended.err
    assert not (tmp_path / "out").exists()
