from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dgno_core.models import model_names, read_card

Dgno = Callable[..., Any]


def test_the_table_lists_weights_and_architectures(dgno: Dgno, model_folder: Path) -> None:
    ended = dgno("models", "--model-folder", model_folder)
    assert (ended.status, ended.err) == (0, "")
    for name in ("tiny-grey", "tiny-colour", *model_names()):
        assert name in ended.out
    (line,) = [line for line in ended.out.splitlines() if line.startswith("tiny-colour")]
    for word in ("colour", "0-8 px", "[tiny]", "diagnosis"):
        assert word in line


def test_a_card_is_printed_whole(dgno: Dgno, model_folder: Path) -> None:
    ended = dgno("models", "--card", "tiny-grey", "--model-folder", model_folder)
    assert ended.status == 0
    card = read_card("tiny-grey", model_folder)
    assert json.loads(ended.out) == card.model_dump(mode="json")
    assert len(json.loads(ended.out)["weights_sha256"]) == 64


def test_an_unknown_card_is_one_line(dgno: Dgno, model_folder: Path) -> None:
    ended = dgno("models", "--card", "tiny-gray", "--model-folder", model_folder)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "tiny-gray" in ended.err


def test_a_broken_weights_file_is_one_line(dgno: Dgno, tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0")
    ended = dgno("models", "--model-folder", tmp_path)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "cut.safetensors" in ended.err


def test_models_needs_no_torch() -> None:
    script = (
        "import sys; from dgno_core.cli.app import app; from dgno_core.cli.running import run; "
        "run(app, 'dgno', ['models']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0


@pytest.mark.parametrize("words", [["models"], ["restore", "a.tif", "-o", "b.tif"]])
def test_a_model_folder_that_is_not_there_is_one_line(
    words: list[str], dgno: Dgno, tmp_path: Path
) -> None:
    ended = dgno(*words, "--model-folder", tmp_path / "nothere")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "nothere does not exist; " in ended.err


def test_an_architecture_is_not_taken_for_a_trained_model(dgno: Dgno) -> None:
    ended = dgno("models", "--card", "dgno-cell")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "dgno-cell is a network without trained weights" in ended.err
    assert "dgno-cell-small-colour" in ended.err
