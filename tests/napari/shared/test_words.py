"""The texts that the panel makes up: time left, model summaries, command lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from dgno_core.errors import DGNOError
from dgno_core.inference.config import RestoreConfig
from dgno_core.io import as_source, read_image
from dgno_core.models.card import ModelCard
from napari_dgno.restore.command import command_text, output_path
from napari_dgno.shared import devices
from napari_dgno.shared.models import check_file, pixel_size_note, summary
from napari_dgno.shared.time_left import TimeLeft, in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "less than 1 s"),
        (7.4, "7 s"),
        (43, "45 s"),
        (59.9, "60 s"),
        (125, "2 min"),
        (3600, "1 h"),
        (4830, "1 h 20 min"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_time_left_waits_for_evidence_and_then_extrapolates() -> None:
    now = [100.0]
    forecast = TimeLeft(clock=lambda: now[0])
    now[0] = 100.5
    assert forecast.seconds(3, 10) is None
    now[0] = 104.0
    assert forecast.seconds(1, 10) is None
    assert forecast.seconds(4, 10) == pytest.approx(6.0)
    assert forecast.seconds(10, 10) == 0


def card(**changes: object) -> ModelCard:
    fields = {"name": "m", "config": {"kind": "dgno"}, "summary": "For nuclei", "blur_px": (0, 8)}
    return ModelCard.model_validate({**fields, **changes})


def test_summary_says_what_for_and_what_not() -> None:
    text = summary(card(not_for=["diagnosis", "measuring intensities."]))
    assert text == (
        "For nuclei. Made for blur of 0 to 8 pixels. Not for diagnosis; measuring intensities."
    )
    assert summary(card(summary="", blur_px=None)) == "m."


def test_pixel_size_outside_the_model_is_noted() -> None:
    trained = card(pixel_size_um=(0.2, 0.7))
    assert "2.5 µm" in pixel_size_note(trained, {"X": 2.5}, {"X": "micrometer"})
    assert pixel_size_note(trained, {"X": 325}, {"X": "nanometer"}) == ""
    assert pixel_size_note(trained, {}, {}) == ""
    assert pixel_size_note(card(), {"X": 2.5}, {"X": "micrometer"}) == ""


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.safetensors"
    with pytest.raises(DGNOError, match="no model file"):
        check_file(path)
    path.write_text("hello")
    with pytest.raises(DGNOError, match="notes"):
        check_file(path)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("a.tif", "a-restored.tif"),
        ("a.b.OME.TIFF", "a.b-restored.OME.TIFF"),
        ("a.ome.zarr", "a-restored.ome.zarr"),
        ("a.png", "a-restored.tif"),
    ],
)
def test_result_names(name: str, result: str) -> None:
    assert output_path(Path("data") / name) == Path("data") / result


def test_a_folder_of_planes_becomes_a_file_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "z.stack"
    folder.mkdir()
    assert output_path(folder) == tmp_path / "z.stack-restored.tif"


def test_command_of_a_file_names_it(tmp_path: Path) -> None:
    path = tmp_path / "my cells.tif"
    tifffile.imwrite(path, np.zeros((3, 32, 32), np.uint16), photometric="minisblack")
    config = RestoreConfig(axes="ZYX")
    text = command_text(read_image(path, "ZYX"), config)
    assert text == config.command([path], tmp_path / "my cells-restored.tif")
    assert f"'{path}'" in text


def test_command_of_a_changed_layer_asks_to_save_it(tmp_path: Path) -> None:
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, np.zeros((3, 32, 32), np.uint16), photometric="minisblack")
    part = as_source(np.zeros((32, 32), np.uint16), "YX", "one/plane")
    part = type(part)(**{**vars(part), "path": path})
    comment, line = command_text(part, RestoreConfig(axes="YX")).splitlines()
    assert comment.startswith("#")
    assert "cells.tif" in comment
    assert "dgno restore one-plane.tif -o one-plane-restored.tif" in line


def test_devices_start_with_automatic_and_never_need_torch() -> None:
    names = devices.available_devices()
    assert names[:2] == ["auto", "cpu"]
    assert set(names) <= set(devices.TITLES)


def test_cuda_is_offered_only_with_driver_and_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_torch_has_cuda", lambda: True)
    monkeypatch.setattr(devices, "_cuda_driver_sees_card", lambda: True)
    assert "cuda" in devices.available_devices()
    monkeypatch.setattr(devices, "_torch_has_cuda", lambda: False)
    assert "cuda" not in devices.available_devices()
