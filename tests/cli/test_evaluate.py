from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dgno_core import evaluation

Dgno = Callable[..., Any]


def test_a_folder_without_the_table_is_one_line(dgno: Dgno, tmp_path: Path) -> None:
    ended = dgno("evaluate", "--data", tmp_path, "--out", tmp_path / "out")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "EVAL.tsv" in ended.err
    assert not (tmp_path / "out").exists()


def test_the_options_reach_the_evaluation(
    dgno: Dgno, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def run(data: Path, out: Path, **settings: Any) -> Iterator[object]:
        asked.update(settings, data=data, out=out)
        yield evaluation.EvaluationStarted(1)
        yield evaluation.ReportWritten(out / "evaluation.md", out / "evaluation.json", (), ())

    monkeypatch.setattr(evaluation, "run_public_evaluation", run)
    words = ["--model", "m", "--tile", 64, "--device", "cpu", "--group", "a", "--group", "b"]
    ended = dgno("evaluate", "--data", tmp_path, "--out", tmp_path / "out", *words)
    assert (ended.status, ended.out) == (0, f"{tmp_path / 'out' / 'evaluation.md'}\n")
    assert asked == {
        "data": tmp_path,
        "out": tmp_path / "out",
        "model": "m",
        "tile": 64,
        "device": "cpu",
        "groups": ("a", "b"),
    }
