from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from dgno_core.data.degrader import Degradation, replay_recording
from dgno_core.demo import (
    DemoFinished,
    DemoImageRestored,
    DemoStarted,
    SharpImage,
    builtin_images,
    demo_events,
    demo_table,
)
from dgno_core.errors import DGNOError
from dgno_core.metrics import score_pair
from dgno_core.optics import gaussian_psf, richardson_lucy


def deconvolve(blurred: Path, result: Path) -> str:
    image = tifffile.imread(blurred)
    restored = np.rint(richardson_lucy(image, gaussian_psf(1.6), 5))
    top = np.iinfo(image.dtype).max
    tifffile.imwrite(result, np.clip(restored, 0, top).astype(image.dtype))
    return "deconvolution"


@pytest.fixture(scope="module")
def small_images() -> list[SharpImage]:
    return [replace(image, sharp=image.sharp[:120, :144].copy()) for image in builtin_images()]


def test_shows_blurs_restores_and_compares(tmp_path: Path, small_images: list[SharpImage]) -> None:
    out = tmp_path / "a" / "demo"
    events = list(demo_events(out, images=small_images, restore_file=deconvolve))
    assert events[0] == DemoStarted(3)
    assert [event.done for event in events if isinstance(event, DemoImageRestored)] == [1, 2, 3]
    finished = events[-1]
    assert isinstance(finished, DemoFinished)
    for row, image in zip(finished.rows, small_images, strict=True):
        sharp, blurred, restored = (tifffile.imread(path) for path in row.files)
        np.testing.assert_array_equal(sharp, image.sharp)
        assert blurred.dtype == image.sharp.dtype
        assert row.before == score_pair(sharp, blurred)
        assert row.after == score_pair(sharp, restored)
        assert row.gain == row.after.psnr - row.before.psnr
        assert row.model == "deconvolution"


def test_the_tiffs_tell_their_axes(tmp_path: Path, small_images: list[SharpImage]) -> None:
    list(demo_events(tmp_path, images=small_images, restore_file=deconvolve))
    for name, axes in (("tissue", "YXS"), ("nuclei", "YX"), ("tissue-nuclei", "YX")):
        with tifffile.TiffFile(tmp_path / f"{name}-blurred.tif") as tiff:
            assert tiff.series[0].axes == axes


def test_the_picture_and_the_numbers_are_those_of_the_run(
    tmp_path: Path, small_images: list[SharpImage]
) -> None:
    from PIL import Image

    *_, finished = demo_events(tmp_path, images=small_images, restore_file=deconvolve)
    assert isinstance(finished, DemoFinished)
    picture = np.asarray(Image.open(finished.picture).convert("RGB"))
    assert picture.shape[1] > 1200
    assert (picture < 250).any(axis=-1).mean() > 0.2  # not an empty page
    record = json.loads(finished.numbers.read_text())
    for row, image in zip(finished.rows, record["images"], strict=True):
        assert image["after"]["psnr"] == pytest.approx(row.after.psnr)
        assert (tmp_path / image["files"][2]).is_file()


def test_the_record_makes_the_blurred_images_again(
    tmp_path: Path, small_images: list[SharpImage]
) -> None:
    list(demo_events(tmp_path, images=small_images, restore_file=deconvolve))
    for image in json.loads((tmp_path / "demo.json").read_text())["images"]:
        sharp, blurred, _ = (tifffile.imread(tmp_path / name) for name in image["files"])
        record = Degradation.model_validate_json(json.dumps(image["degradation"]))
        np.testing.assert_array_equal(replay_recording(record, sharp), blurred)


def test_it_can_be_run_again_into_the_same_folder(
    tmp_path: Path, small_images: list[SharpImage]
) -> None:
    first, second = (
        list(demo_events(tmp_path, images=small_images, restore_file=deconvolve))[-1]
        for _ in range(2)
    )
    assert isinstance(first, DemoFinished)
    assert isinstance(second, DemoFinished)
    assert [row.after for row in first.rows] == [row.after for row in second.rows]


def test_the_table_has_a_line_for_each_image(
    tmp_path: Path, small_images: list[SharpImage]
) -> None:
    *_, finished = demo_events(tmp_path, images=small_images, restore_file=deconvolve)
    assert isinstance(finished, DemoFinished)
    header, rule, *lines = demo_table(finished.rows).splitlines()
    assert "PSNR before" in header
    assert set(rule) == {"-", " "}
    for row, line in zip(finished.rows, lines, strict=True):
        assert line.startswith(row.title)
        assert f"{row.gain:+.2f} dB" in line


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, small_images: list[SharpImage]
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DGNOError, match=r"file could not be written: something of that name"):
        list(demo_events(tmp_path / "file", images=small_images, restore_file=deconvolve))


def test_goes_the_way_of_a_users_own_file(
    tmp_path: Path, small_images: list[SharpImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dgno_core.io import read_beside
    from dgno_core.models import ModelCard, build_model, default_weights, weights
    from dgno_core.models.checkpoint import save_model
    from dgno_core.models.config import DGNOConfig

    for channels in (1, 3):
        config = DGNOConfig(channels=channels, width=8, heads=2, blocks=(1, 1, 1, 1), iterations=1)
        name = default_weights(colour=channels == 3)
        card = ModelCard(name=name, config=config)
        save_model(build_model(config), card, tmp_path / f"{name}.safetensors")
    monkeypatch.setattr(weights, "PACKAGED", tmp_path)
    *_, finished = demo_events(tmp_path / "out", images=small_images)
    assert isinstance(finished, DemoFinished)
    colour, grey, beyond = finished.rows
    assert colour.model == default_weights(colour=True)
    assert grey.model == beyond.model == default_weights(colour=False)
    for row, image in zip(finished.rows, small_images, strict=True):
        restored = tifffile.imread(row.files[2])
        assert (restored.shape, restored.dtype) == (image.sharp.shape, image.sharp.dtype)
        record = read_beside(row.files[2])
        assert record is not None
        assert record.model == row.model
        assert record.source.path == str(row.files[1])


def test_with_the_packaged_weights_every_image_gains(tmp_path: Path) -> None:
    from dgno_core.io import read_beside

    began = time.process_time()  # of this process: a busy machine does not make it longer
    *_, finished = demo_events(tmp_path)
    spent = time.process_time() - began
    assert isinstance(finished, DemoFinished)
    for row in finished.rows:
        assert row.gain > 0
        assert row.after.ssim > row.before.ssim
        record = read_beside(row.files[2])
        assert record is not None
        assert record.warnings == [], "the blur and the noise are such as the model knows"
    _, nuclei, beyond = finished.rows
    assert nuclei.gain > 3 > beyond.gain
    assert spent < 60
