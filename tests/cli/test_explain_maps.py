"""`dgno explain maps`, `rank` and `compare` as a user calls them."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from dgno_core.inference import Restorer
from dgno_core.interpretation.operator_maps import MAPS, operator_maps
from dgno_core.interpretation.view import read_view
from dgno_core.io import read_beside, read_image

Dgno = Callable[..., Any]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Write a plane of 70 x 90 pixels with a pixel size."""
    plane = np.random.default_rng(0).integers(100, 4000, (70, 90)).astype(np.uint16)
    size = {"PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm"}
    size |= {"PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
    path = tmp_path / "cells.ome.tif"
    tifffile.imwrite(path, plane, metadata={"axes": "YX"} | size)
    return path


@pytest.fixture
def model(model_folder: Path) -> Path:
    return model_folder / "tiny-grey.safetensors"


def test_maps_writes_every_map_with_its_place(dgno: Dgno, image: Path, model: Path) -> None:
    out = image.parent / "new" / "maps"
    words = (image, "-o", out, "--model", model, "--scale", "quarter", "--region", "32:70,:64")
    ended = dgno("explain", "maps", *words)
    assert (ended.status, ended.out, ended.err) == (0, f"{out / 'quarter-0-maps.png'}\n", "")
    tiffs = [f"quarter-0-{name}.tif" for name in MAPS]
    names = {*tiffs, *(f"{tiff}.json" for tiff in tiffs)}
    names |= {"quarter-0-maps.png", "quarter-0-faces.csv"}
    assert {path.name for path in out.iterdir()} == names
    restorer = Restorer(model)
    view = read_view(image, restorer, (), (slice(32, 70), slice(0, 64)))
    maps = operator_maps(view, "quarter")
    for name in MAPS:
        path = out / f"quarter-0-{name}.tif"
        expected = maps.map(name)
        np.testing.assert_array_equal(tifffile.imread(path), expected.data)
        record = read_beside(path)
        assert record is not None
        said = record.settings["map"]
        assert (tuple(said["scale"]), tuple(said["translate"])) == (
            expected.scale, expected.translate,
        )  # fmt: skip
        assert record.weights_sha256
        assert read_image(path).pixel_size["X"] == pytest.approx(0.5 * expected.scale[1])
    rows = list(csv.DictReader((out / "quarter-0-faces.csv").open()))
    faces = maps.faces()
    assert [float(row["flux"]) for row in rows] == pytest.approx(faces.flux.tolist(), rel=1e-5)
    assert [row["is_boundary"] == "1" for row in rows] == faces.is_boundary.tolist()
    assert [float(row["start_row"]) for row in rows] == faces.start[:, 0].tolist()


def test_the_recorded_command_makes_the_same_maps(dgno: Dgno, image: Path, model: Path) -> None:
    out = image.parent / "maps"
    dgno("explain", "maps", image, "-o", out, "--model", model, "--head", 1, "--dimension", 0)
    path = out / "half-0-flux-h1-d0.tif"
    first = tifffile.imread(path)
    assert first.min() < 0 < first.max()
    record = read_beside(path)
    assert record is not None
    command = shlex.split(record.command)
    assert command[:3] == ["dgno", "explain", "maps"]
    assert dgno(*command[1:]).status == 2  # they exist
    assert dgno(*command[1:], "--overwrite").status == 0
    np.testing.assert_array_equal(tifffile.imread(path), first)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--iteration", "4"), "numbered from 0; there is no 4"),
        (("--head", "9"), "no head 9"),
        (("--dimension", "0"), "choose a head"),
        (("--region", "5"), "not of the form 0:256,128:384"),
        (("--region", "90:95,0:10"), "outside of cells.ome.tif"),
        (("--plane", "x"), "not of the form 3 or 0,3"),
        (("--plane", "1"), "has no plane (1,)"),
        (("--scale", "eighth"), "'eighth' is not one of"),
        (("--model", "nafnet-of-mine"), "nafnet-of-mine"),
    ],
)
def test_a_wrong_choice_is_one_line_and_leaves_nothing(
    dgno: Dgno, image: Path, model: Path, words, complaint
) -> None:
    out = image.parent / "maps"
    ended = dgno("explain", "maps", image, "-o", out, "--model", model, *words)
    assert ended.status == 2
    assert complaint in ended.err
    assert ended.err.count("\n") == 1
    assert not out.exists()


def test_an_image_that_is_not_there_leaves_nothing(dgno: Dgno, tmp_path: Path) -> None:
    for look in ("maps", "rank"):
        ended = dgno("explain", look, tmp_path / "no.tif", "-o", tmp_path / "out")
        assert (ended.status, "does not exist" in ended.err) == (2, True)
    ended = dgno("explain", "compare", tmp_path / "a.tif", tmp_path / "b.tif", "-o", tmp_path / "o")
    assert (ended.status, "does not exist" in ended.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_on_the_way_keeps_what_was_there(
    dgno: Dgno, image: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = image.parent / "maps"
    out.mkdir()
    (out / "half-0-flux.tif").write_text("mine")
    ended = dgno("explain", "maps", image, "-o", out, "--model", model)
    assert (ended.status, "exists already; add --overwrite" in ended.err) == (2, True)
    from dgno_core.interpretation import operator_figure

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(operator_figure, "draw_operator", fail)
    ended = dgno("explain", "maps", image, "-o", out, "--model", model, "--overwrite")
    assert ended.status == 130
    assert [path.name for path in out.iterdir()] == ["half-0-flux.tif"]
    assert (out / "half-0-flux.tif").read_text() == "mine"


def test_output_may_not_be_a_file(dgno: Dgno, image: Path, model: Path) -> None:
    ended = dgno("explain", "maps", image, "-o", image, "--model", model)
    assert (ended.status, "is a file; give a folder" in ended.err) == (2, True)


def test_rank_writes_a_row_for_each_image_model_and_operator(
    dgno: Dgno, image: Path, model: Path
) -> None:
    other = image.with_name("more, cells.tif")
    other.write_bytes(image.read_bytes())
    out = image.parent / "rank"
    ended = dgno("explain", "rank", image, other, "-o", out, "--model", model)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == str(out / "rank.png")
    rows = list(csv.DictReader((out / "rank.csv").open()))
    assert [(row["image"], row["scale"]) for row in rows] == [
        (name, scale) for name in (image.name, other.name) for scale in ("quarter", "half", "full")
    ]
    assert all(1 <= float(row["effective_rank"]) <= int(row["channels"]) for row in rows)
    assert {row["effective_rank"] for row in rows[:3]} == {
        row["effective_rank"] for row in rows[3:]
    }


def test_compare_scores_two_models(dgno: Dgno, image: Path, model: Path, tmp_path: Path) -> None:
    sharp = tmp_path / "sharp.tif"
    tifffile.imwrite(sharp, np.roll(tifffile.imread(image), 1, 0))
    second = tmp_path / "second.safetensors"
    second.write_bytes(model.read_bytes())
    out = tmp_path / "compared"
    words = (image, sharp, "-o", out, "--models", model, second)
    ended = dgno("explain", "compare", *words)
    assert (ended.status, ended.err) == (0, "")
    scores = json.loads((out / "compare.json").read_text())
    assert list(scores) == ["blurred", "tiny-grey", "second"]
    assert scores["tiny-grey"] == scores["second"] != scores["blurred"]
    assert (tifffile.imread(out / "error-difference.tif") == 0).all()
    band = tifffile.imread(out / "edge-band.tif")
    assert set(np.unique(band)) == {0, 255}
    assert (band == 255).mean() == pytest.approx(scores["blurred"]["area"])
    record = read_beside(out / "error-difference.tif")
    assert record is not None
    assert list(record.settings["models"]) == ["tiny-grey", "second"]


def test_compare_needs_images_of_one_plane_and_one_shape(
    dgno: Dgno, image: Path, model: Path, tmp_path: Path
) -> None:
    plane = tifffile.imread(image)
    stack, small = tmp_path / "stack.tif", tmp_path / "small.tif"
    tifffile.imwrite(stack, np.stack([plane] * 2), metadata={"axes": "ZYX"}, ome=True)
    tifffile.imwrite(small, plane[:64])
    for sharp, complaint in ((stack, "has the axes ZYX"), (small, "the same place")):
        out = tmp_path / "out"
        words = (image, sharp, "-o", out, "--models", model, model)
        ended = dgno("explain", "compare", *words)
        assert (ended.status, complaint in ended.err) == (2, True)
        assert not out.exists()


def test_a_disk_that_fails_is_told_by_the_name_of_the_folder(
    dgno: Dgno, image: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("dgno_core.interpretation.record.write_map", fail)
    out = image.parent / "maps"
    ended = dgno("explain", "maps", image, "-o", out, "--model", model)
    problem = "could not be written: you may not write there; choose another place."
    assert (ended.status, ended.err) == (2, f"dgno: {out} {problem}\n")
    assert not out.exists()
