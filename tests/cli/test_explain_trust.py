"""`dgno explain trust`: files, sentences, and one line on bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

Dgno = Callable[..., Any]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return a grey image with a few bright squares."""
    rng = np.random.default_rng(2)
    pixels = 300 + 20 * rng.standard_normal((70, 90))
    pixels[20:40, 30:60] += 2000
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, pixels.astype(np.uint16))
    return path


def test_maps_picture_and_sentences_are_written(
    dgno: Dgno, image: Path, model_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = dgno(
        "explain", "trust", image, "-o", out, "--model-folder", model_folder, "--model",
        "tiny-grey", "--second", "tiny-grey", "--region", "0:64,32:90", "--device", "cpu",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    names = ("expected-error", "residual", "blur-width", "spread", "difference")
    assert {path.name for path in out.iterdir()} == {
        *(f"{name}.tif" for name in names),
        *(f"{name}.tif.json" for name in names),
        "trust.png",
        "trust.json",
    }
    for name in names:
        assert tifffile.imread(out / f"{name}.tif").shape == (64, 58)
        record = json.loads((out / f"{name}.tif.json").read_text(encoding="utf-8"))
        assert record["settings"]["map"]["translate"] == [0, 32]
        assert "--region" in record["command"]
    assert tifffile.imread(out / "difference.tif").max() == 0
    said = json.loads((out / "trust.json").read_text(encoding="utf-8"))
    assert said["summary"] in ended.out
    assert said["maps"]["expected_error"]["unit"] == "% of the image's range"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--region", "0-64"), "0:256,128:384"),
        (("--model", "no-such-model"), "no-such-model"),
        (("--second", "tiny-colour"), "colour"),
        (("--channel", "1"), "channel"),
        (("--tile", "50"), "multiple of 32"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    dgno: Dgno, image: Path, model_folder: Path, tmp_path: Path, words: tuple[str, str],
    problem: str,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    known = ("--model", "tiny-grey") if words[0] != "--model" else ()
    ended = dgno(
        "explain", "trust", image, "-o", out, "--model-folder", model_folder, *known, *words
    )
    assert ended.status == 2
    assert problem in ended.err
    assert ended.err.count("\n") == 1
    assert not out.exists()


def test_results_are_not_overwritten_unasked(
    dgno: Dgno, image: Path, model_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "trust.json").write_text("mine", encoding="utf-8")
    ended = dgno(
        "explain", "trust", image, "-o", tmp_path, "--model-folder", model_folder, "--model",
        "tiny-grey",
    )  # fmt: skip
    assert ended.status == 2
    assert "--overwrite" in ended.err
    assert (tmp_path / "trust.json").read_text(encoding="utf-8") == "mine"
