from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import tifffile

from dgno_core.errors import DGNOError
from dgno_core.inference.batch import (
    BatchFinished,
    ImageFailed,
    ImageProgressed,
    ImageRestored,
    ImageSkipped,
    ImageStarted,
    batch_events,
)
from dgno_core.inference.config import RestoreConfig
from dgno_core.inference.dry_run import ImagePlanned, PlanEvent, plan_events
from dgno_core.inference.outputs import ImageTask, plan_outputs
from dgno_core.io import read_beside


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Write three small grey images."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{name}.tif" for name in "abc"]
    for path in paths:
        tifffile.imwrite(path, rng.integers(100, 4000, (32, 48)).astype(np.uint16))
    return paths


@pytest.fixture
def config(model_folder: Path) -> RestoreConfig:
    return RestoreConfig(model=str(model_folder / "tiny-grey.safetensors"), device="cpu")


def restored(tasks: list[ImageTask], config: RestoreConfig) -> BatchFinished:
    *_, last = batch_events(tasks, config)
    assert isinstance(last, BatchFinished)
    return last


def planned(tasks: list[ImageTask], config: RestoreConfig) -> list[PlanEvent]:
    """Return what a dry run ends with for each image, and for all."""
    events = plan_events(tasks, config)
    return [event for event in events if not isinstance(event, ImageStarted | ImageProgressed)]


def again(
    images: list[Path], out: Path, config: RestoreConfig, *, overwrite: bool = False
) -> list[ImageTask]:
    return plan_outputs(images, out, config, skip_existing=True, overwrite=overwrite)


def test_every_image_gets_its_events(
    images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    images[1].write_bytes(b"no image")
    events = list(batch_events(plan_outputs(images, tmp_path / "d"), config))
    ends = [event for event in events if isinstance(event, ImageRestored | ImageFailed)]
    assert [type(event) for event in ends] == [ImageRestored, ImageFailed, ImageRestored]
    assert isinstance(ends[1], ImageFailed)
    assert "b.tif" in ends[1].message
    assert events[-1] == BatchFinished(restored=2, failed=1)
    assert {path.name for path in (tmp_path / "d").glob("*.tif")} == {"a.ome.tif", "c.ome.tif"}


def test_what_was_done_is_skipped_and_stays(
    images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    out = tmp_path / "d"
    restored(plan_outputs(images[:2], out), config)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    events = list(batch_events(again(images, out, config), config))
    assert [event.task.source for event in events if isinstance(event, ImageSkipped)] == images[:2]
    assert events[-1] == BatchFinished(restored=1, skipped=2)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_names_folders_and_the_machine_do_not_count(
    images: list[Path], tmp_path: Path, config: RestoreConfig, model_folder: Path
) -> None:
    out = tmp_path / "d"
    restored(plan_outputs(images, out), config)
    elsewhere = tmp_path / "copies"
    elsewhere.mkdir()
    copies = [elsewhere / path.name for path in images]
    for path, copy in zip(images, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    by_name = RestoreConfig(model="tiny-grey", model_folder=model_folder, memory_share=0.25)
    assert all(task.is_done for task in again(copies, out, by_name))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"tile": 96}, "made with tile 64"),
        ({"normalise": "plane"}, "made with normalise stack"),
        ({"precision": "bf16"}, "made with precision fp32"),
        ({"axes": "XY"}, "made with axes None"),
        ({"model": "auto"}, "made with another model"),
    ],
)
def test_what_was_made_otherwise_is_named_and_neither_kept_nor_replaced(
    changes: dict[str, object],
    word: str,
    images: list[Path],
    tmp_path: Path,
    config: RestoreConfig,
) -> None:
    out = tmp_path / "d"
    restored(plan_outputs(images[:1], out), config)
    other = config.changed(**changes)
    with pytest.raises(DGNOError, match=rf"a\.ome\.tif \({word}.*\) was made otherwise") as caught:
        again(images, out, other)
    assert "add --overwrite" in str(caught.value)
    tasks = again(images, out, other, overwrite=True)
    assert [task.is_done for task in tasks] == [False] * 3
    assert tasks[0].differs is not None


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": "0.0.1"}, r"made by version 0\.0\.1 of this program"),
        ({"axes": "ZY"}, "made with the axes ZY, which are read as YX now"),
    ],
)
def test_another_version_or_other_axes_do_not_make_the_same_result(
    change: dict[str, str], word: str, images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    out = tmp_path / "d"
    restored(plan_outputs(images[:1], out), config)
    record = read_beside(out / "a.ome.tif")
    assert record is not None
    if "axes" in change:
        record = record.changed(source=record.source.changed(**change))
    else:
        record = record.changed(**change)
    record.write_beside(out / "a.ome.tif")
    with pytest.raises(DGNOError, match=word):
        again(images, out, config)
    tasks = again(images, out, config, overwrite=True)
    assert restored(tasks[:1], config) == BatchFinished(restored=1)
    assert again(images[:1], out, config)[0].is_done


def test_another_input_of_the_same_name_is_noticed(
    images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    out = tmp_path / "d"
    restored(plan_outputs(images, out), config)
    tifffile.imwrite(images[1], tifffile.imread(images[1]) + 1)
    with pytest.raises(DGNOError, match=r"b\.ome\.tif \(made from another input\) was made"):
        again(images, out, config)
    tasks = again(images, out, config, overwrite=True)
    assert restored(tasks, config) == BatchFinished(restored=1, skipped=2)
    assert all(task.is_done for task in again(images, out, config))


def test_a_result_without_a_record_is_named(
    images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    out = tmp_path / "d"
    out.mkdir()
    for name in "ac":
        (out / f"{name}.ome.tif").write_bytes(b"from somewhere")
    with pytest.raises(DGNOError, match=r"a\.ome\.tif \(has no record\) and .*c\.ome\.tif"):
        again(images, out, config)


def test_a_tile_that_memory_made_smaller_is_not_another_setting(
    images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    out = tmp_path / "d"
    restored(plan_outputs(images[:1], out), config)
    record = read_beside(out / "a.ome.tif")
    assert record is not None
    assert record.wanted_tile == 64
    record.changed(tile=32).write_beside(out / "a.ome.tif")
    assert [task.is_done for task in again(images[:1], out, config)] == [True]


def test_a_folder_of_planes_and_a_zarr_are_compared_by_their_content(
    images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    import zarr

    folder = tmp_path / "planes"
    folder.mkdir()
    for path in images:
        path.rename(folder / path.name)
    store = tmp_path / "cells.zarr"
    zarr.save_array(store, np.arange(32 * 48, dtype=np.uint16).reshape(32, 48))
    inputs, out = [folder, store], tmp_path / "d"
    restored(plan_outputs(inputs, out), config)
    assert [task.is_done for task in again(inputs, out, config)] == [True, True]
    (folder / ".DS_Store").write_bytes(b"")  # what a file browser leaves
    assert [task.is_done for task in again(inputs, out, config)] == [True, True]
    tifffile.imwrite(folder / "b.tif", np.full((32, 48), 7, np.uint16))
    array = zarr.open_array(store, mode="r+")
    array[3, 4] = 0
    with pytest.raises(DGNOError, match=r"planes\.ome\.tif .* and .*cells\.ome\.zarr .*another"):
        again(inputs, out, config)


def test_closing_leaves_the_complete_ones_only(
    images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    out = tmp_path / "new" / "d"
    with closing(batch_events(plan_outputs(images, out), config)) as events:
        for event in events:
            if isinstance(event, ImageProgressed) and event.task.source == images[1]:
                break
    assert sorted(path.name for path in out.iterdir()) == ["a.ome.tif", "a.ome.tif.json"]


def test_folders_that_stay_empty_are_removed(
    images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    images[0].write_bytes(b"no image")
    tasks = plan_outputs(images[:1], tmp_path / "new" / "d")
    assert restored(tasks, config) == BatchFinished(failed=1)
    assert not (tmp_path / "new").exists()


def test_a_plan_says_what_would_be_done_and_writes_nothing(
    images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, np.ones((3, 96, 80), np.uint16), metadata={"axes": "ZYX"}, ome=True)
    images[1].write_bytes(b"no image")
    before = sorted(tmp_path.rglob("*"))
    tasks = plan_outputs([*images, stack], tmp_path / "d")
    first, failed, third, last, end = planned(tasks, config)
    assert sorted(tmp_path.rglob("*")) == before
    assert isinstance(first, ImagePlanned)
    assert isinstance(failed, ImageFailed)
    assert isinstance(third, ImagePlanned)
    assert isinstance(last, ImagePlanned)
    assert end == BatchFinished(restored=3, failed=1)
    assert (first.axes, first.shape, first.dtype) == ("YX", (32, 48), "uint16")
    assert (first.model, first.tile, first.tiles) == (config.model, 64, 1)
    assert (last.axes, last.planes, last.tiles) == ("ZYX", 3, 4 * 3)
    assert last.bytes > first.bytes
    assert last.seconds > 0
    # One tile of a size is timed, and stands for all of that size.
    assert first.seconds == third.seconds


def test_the_tiles_of_a_plan_are_those_of_the_work(
    images: list[Path], tmp_path: Path, config: RestoreConfig
) -> None:
    from dgno_core.inference.events import RestoreStarted

    tifffile.imwrite(images[0], np.random.default_rng(1).random((2, 100, 70), np.float32))
    tasks = plan_outputs(images[:1], tmp_path / "d")
    plan, _ = planned(tasks, config)
    assert isinstance(plan, ImagePlanned)
    started = [
        event.event
        for event in batch_events(tasks, config)
        if isinstance(event, ImageProgressed) and isinstance(event.event, RestoreStarted)
    ]
    assert [(one.planes, one.tiles, one.tile) for one in started] == [
        (plan.planes, plan.tiles, plan.tile)
    ]


@pytest.mark.parametrize("ending", [".ome.tif", ".zarr", ".png"])
def test_the_record_of_a_result_that_never_got_its_name_is_not_believed(
    ending: str,
    images: list[Path],
    tmp_path: Path,
    config: RestoreConfig,
) -> None:
    """As a kill leaves it between the two: the new record beside the earlier result."""
    out = tmp_path / f"out{ending}"
    restored(plan_outputs(images[:1], out, overwrite=True), config)
    assert again(images[:1], out, config)[0].is_done
    other = config.changed(precision="bf16")
    record = tmp_path / f"out{ending}.json"
    restored(plan_outputs(images[:1], tmp_path / f"new{ending}"), other)
    record.write_bytes((tmp_path / f"new{ending}.json").read_bytes())
    with pytest.raises(DGNOError, match="not as its record says"):
        again(images[:1], out, other)


def sayings(tasks: list[ImageTask], config: RestoreConfig) -> list[tuple[str, ...]]:
    """Return for each image what its run says: the warnings of its record, or its failure."""
    ends = [
        event
        for event in batch_events(tasks, config)
        if isinstance(event, ImageRestored | ImageFailed)
    ]
    return [
        (end.message,) if isinstance(end, ImageFailed) else tuple(end.provenance.warnings)
        for end in ends
    ]


def test_a_dry_run_says_all_that_the_run_says(
    tmp_path: Path, config: RestoreConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dgno_core.inference import survey

    doubt = "blurred beyond the card"
    monkeypatch.setattr(survey, "image_warnings", lambda image, ranges: iter([doubt]))
    stack = np.random.default_rng(0).integers(1, 900, (3, 32, 48)).astype(np.float32)
    gaps = stack.copy()
    gaps[1, 2, 3] = np.nan
    images = {"guessed": stack, "flat": np.ones_like(stack), "gaps": gaps}
    paths = [tmp_path / f"{name}.tif" for name in images]
    for path, image in zip(paths, images.values(), strict=True):
        tags = [(272, 2, 0, "Camera 7", True)]
        tifffile.imwrite(path, image, photometric="minisblack", metadata=None, extratags=tags)
    for changes in ({}, {"nonfinite": "keep"}, {"nonfinite": "keep", "normalise": "plane"}):
        used = config.changed(**changes)
        tasks = plan_outputs(paths, tmp_path / "d", used, overwrite=True)
        plans = [
            (event.message,) if isinstance(event, ImageFailed) else event.warnings
            for event in planned(tasks, used)
            if isinstance(event, ImageFailed | ImagePlanned)
        ]
        said = sayings(tasks, used)
        assert plans == said
        assert doubt in said[0]
        assert any("does not hold of guessed.tif: Model" in text for text in said[0])
        assert any("nothing to restore" in text for text in said[1])
        assert any("NaN or infinite" in text for text in said[2])


def test_a_dry_run_tries_the_target_as_the_run_does(
    images: list[Path], tmp_path: Path, config: RestoreConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    stack, store = tmp_path / "stack.tif", tmp_path / "closed"
    tifffile.imwrite(stack, np.ones((3, 32, 48), np.uint16), photometric="minisblack")
    store.mkdir()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != store and access(path, mode))
    taken = ImageTask(images[0], tmp_path / "taken.tif")
    taken.target.write_bytes(b"came between")
    tasks = [
        ImageTask(stack, tmp_path / "stack.png"),
        taken,
        ImageTask(images[0], store / "a.tif"),
        ImageTask(images[0], tmp_path / "a.jpg"),
        ImageTask(images[0], images[0]),
    ]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    *plans, end = planned(tasks, config)
    assert end == BatchFinished(failed=len(tasks))
    words = ["PNG holds one plane", "exists already", "you may not write", "end its name", "input"]
    for plan, word in zip(plans, words, strict=True):
        assert isinstance(plan, ImageFailed)
        assert word in plan.message
    assert [(plan.message,) for plan in plans if isinstance(plan, ImageFailed)] == sayings(
        tasks, config
    )
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(("place", "word"), [("closed", "may not write"), ("file", "is a file")])
def test_a_folder_that_cannot_be_made_is_told_by_both(
    place: str,
    word: str,
    images: list[Path],
    tmp_path: Path,
    config: RestoreConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import os

    closed = tmp_path / "closed"
    closed.mkdir()
    (tmp_path / "file").write_bytes(b"")
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and access(path, mode))
    tasks = [ImageTask(images[0], tmp_path / place / "new" / "a.tif")]
    for events in (plan_events, batch_events):
        with pytest.raises(DGNOError, match=rf"new could not be made.*{word}"):
            list(events(tasks, config))
    assert not (closed / "new").exists()
