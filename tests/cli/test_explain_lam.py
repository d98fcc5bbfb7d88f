from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from dgno_core.inference import Restorer
from dgno_core.interpretation.lam import (
    LamFound,
    LamSettings,
    Window,
    lam_events,
    read_neighbourhood,
)

Dgno = Callable[..., Any]
SHORT = ("--steps", 2, "--side", 64, "--device", "cpu")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Write 96 x 110 uint16 pixels of known size."""
    pixels = np.random.default_rng(0).integers(100, 4000, (96, 110)).astype(np.uint16)
    path = tmp_path / "cells.tif"
    size = {"PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm"}
    tifffile.imwrite(path, pixels, metadata={"axes": "YX", **size}, ome=True)
    return path


@pytest.fixture
def explain(dgno: Dgno, model_folder: Path, tmp_path: Path) -> Dgno:
    """Return `dgno explain lam` with tiny models and two steps, into the folder `out`."""

    def call(*words: object, models: tuple[str, ...] = ("tiny-grey",)) -> Any:
        chosen = [word for name in models for word in ("--model", name)]
        folder = ("--model-folder", model_folder, "-o", tmp_path / "out")
        return dgno("explain", "lam", *SHORT, *words, *chosen, *folder)

    return call


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_box_is_explained_as_in_python(
    explain: Dgno, image: Path, tmp_path: Path, model_folder: Path
) -> None:
    from dgno_core import load_model

    ended = explain(image, "--window", "70,50,12")
    out = tmp_path / "out"
    assert (ended.status, ended.err) == (0, "")
    assert files(out) == ["lam-tiny-grey.tif", "lam-tiny-grey.tif.json", "lam.png"]
    settings, window = LamSettings(steps=2, side=64), Window.square(70, 50, 12)
    model = load_model(str(model_folder / "tiny-grey.safetensors"), "cpu")
    view = read_neighbourhood(str(image), window, settings, Restorer(model))
    last = list(lam_events(view, window, settings))[-1]
    assert isinstance(last, LamFound)
    found = last.attribution
    written = tifffile.imread(out / "lam-tiny-grey.tif")
    assert written.dtype == np.float32
    np.testing.assert_allclose(written, found.signed, atol=1e-5)
    record = json.loads((out / "lam-tiny-grey.tif.json").read_text())
    said = record["settings"]["lam"]
    assert said["diffusion_index"] == pytest.approx(found.diffusion_index, rel=1e-4)
    assert said["map"]["translate"] == [*found.translate]
    assert said["effort"] == "2 steps"
    assert record["source"]["name"] == "cells.tif"
    di = f"{said['diffusion_index']:.2f}"
    assert ended.out == f"tiny-grey: diffusion index {di}, 2 steps\n{out / 'lam.png'}\n"


def test_the_command_in_the_record_does_it_again(
    dgno: Dgno, explain: Dgno, image: Path, tmp_path: Path
) -> None:
    explain(image, "--window", "70,50,12,8", "--paper", "--sigma", "1.0")
    out = tmp_path / "out"
    record = json.loads((out / "lam-tiny-grey.tif.json").read_text())
    assert record["settings"]["lam"]["path"]["eps"] == 0
    first = tifffile.imread(out / "lam-tiny-grey.tif")
    words = shlex.split(record["command"])
    assert words[:3] == ["dgno", "explain", "lam"]
    assert dgno(*words[1:], "--overwrite").status == 0
    np.testing.assert_allclose(tifffile.imread(out / "lam-tiny-grey.tif"), first, atol=1e-6)


def test_two_models_are_compared(explain: Dgno, image: Path, tmp_path: Path) -> None:
    ended = explain(image, "--window", "70,50,12", models=("tiny-grey", "tiny-grey"))
    assert ended.status == 0
    assert ended.out.count("diffusion index") == 2
    assert [name for name in files(tmp_path / "out") if name.endswith(".tif")] == [
        "lam-tiny-grey-1.tif",
        "lam-tiny-grey-2.tif",
    ]


@pytest.mark.slow
def test_planes_and_colours(explain: Dgno, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stack, colour = tmp_path / "stack.tif", tmp_path / "colour.tif"
    tifffile.imwrite(
        stack,
        rng.integers(0, 900, (3, 70, 70)).astype(np.uint16),
        metadata={"axes": "ZYX"},
        ome=True,
    )
    tifffile.imwrite(colour, rng.integers(0, 255, (70, 70, 3)).astype(np.uint8), photometric="rgb")
    out = tmp_path / "out"
    assert explain(stack, "--window", "20,20,8", "--plane", "1").status == 0
    second = tifffile.imread(out / "lam-tiny-grey.tif")
    assert explain(stack, "--window", "20,20,8", "--plane", "2", "--overwrite").status == 0
    assert (tifffile.imread(out / "lam-tiny-grey.tif") != second).any()
    assert (
        explain(
            colour,
            "--window",
            "20,20,8",
            models=("tiny-colour",),
        ).status
        == 2
    )
    ended = explain(colour, "--window", "20,20,8", "--overwrite", models=("tiny-colour",))
    assert ended.status == 0
    assert "lam-tiny-colour.tif" in files(out)
    ended = explain(colour, "--window", "20,20,8", "--overwrite", "--channel", "2")
    assert ended.status == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--window", "70,50"), "is not of the form 120,200,16"),
        (("--window", "a,b,c"), "is not of the form 120,200,16"),
        (("--window", "1,2,3,4,5"), "is not of the form 120,200,16"),
        (("--window", "90,50,16"), "reaches outside of cells.tif, which is 96 x 110 pixels"),
        (("--window=-4,50,16",), "reaches outside of cells.tif"),
        (("--window", "10,10,80"), "larger than the neighbourhood of 64 x 64"),
        (("--window", "10,10,1"), "at least 2 x 2"),
        (("--window", "10,10,8", "--kernel", "8"), "odd side"),
        (("--window", "10,10,8", "--sigma", "0"), "--sigma must be above 0, not 0"),
        (("--window", "10,10,8", "--steps", "0"), "--steps must be at least 1, not 0"),
        (("--window", "10,10,8", "--plane", "x"), "The plane 'x' is not of the form"),
        (("--window", "10,10,8", "--plane", "4"), "no plane"),
        (("--window", "10,10,8", "--channel", "2"), "1 channels"),
        (("--window", "10,10,8", "--effort", "some"), "--effort"),
        ((), "--window"),
    ],
)
def test_bad_input_ends_with_one_line_and_leaves_nothing(
    explain: Dgno, image: Path, tmp_path: Path, words: tuple[str, ...], problem: str
) -> None:
    ended = explain(image, *words)
    assert ended.status == 2
    assert problem in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_images_and_models_that_are_not_there(explain: Dgno, image: Path, tmp_path: Path) -> None:
    for ended in (
        explain(tmp_path / "none.tif", "--window", "10,10,8"),
        explain(image, "--window", "10,10,8", models=("tiny-grey", "no-such-model")),
    ):
        assert ended.status == 2
        assert ended.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_results_are_not_replaced_unasked(explain: Dgno, image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "lam.png").write_bytes(b"mine")
    ended = explain(image, "--window", "10,10,8")
    assert ended.status == 2
    assert "lam.png exists already" in ended.err
    assert files(out) == ["lam.png"]
    assert explain(image, "--window", "10,10,8", "--overwrite").status == 0
    assert (out / "lam.png").read_bytes() != b"mine"


def test_an_interruption_leaves_nothing(
    explain: Dgno, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dgno_core.cli.progress import Bar

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bar, "update", stop)
    assert explain(image, "--window", "10,10,8").status == 130
    assert not (tmp_path / "out").exists()
