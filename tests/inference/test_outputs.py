from __future__ import annotations

from pathlib import Path

import pytest

from dgno_core.errors import DGNOError
from dgno_core.inference.outputs import ImageTask, plan_outputs, restored_name


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("a.tif", "b.png")]
    for path in paths:
        path.write_bytes(b"image")
    return paths


def test_one_image_goes_into_the_file_that_is_named(images: list[Path], tmp_path: Path) -> None:
    assert plan_outputs(images[:1], tmp_path / "out.tif") == [
        ImageTask(images[0], tmp_path / "out.tif")
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_a_folder_means_the_same_for_any_number(
    images: list[Path], tmp_path: Path, count: int
) -> None:
    jobs = plan_outputs(images[:count], tmp_path / "results")
    assert [job.target for job in jobs] == [
        tmp_path / "results" / name for name in ("a.ome.tif", "b.ome.tif")
    ][:count]
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cells.ome.tiff", "cells.ome.tif"),
        ("cells.v2.TIF", "cells.v2.ome.tif"),
        ("cells.bmp", "cells.ome.tif"),
        ("cells.ome.zarr", "cells.ome.zarr"),
        ("cells.zarr", "cells.ome.zarr"),
    ],
)
def test_results_keep_their_name(name: str, expected: str, tmp_path: Path) -> None:
    assert restored_name(tmp_path / name) == expected


def test_a_folder_of_planes_keeps_its_whole_name(tmp_path: Path) -> None:
    (tmp_path / "day.1").mkdir()
    assert restored_name(tmp_path / "day.1") == "day.1.ome.tif"


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(DGNOError, match=r"nowhere\.tif does not exist"):
        plan_outputs([tmp_path / "nowhere.tif"], tmp_path / "out.tif")


def test_an_existing_result_is_kept_unless_asked(images: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "out.tif"
    target.write_bytes(b"precious")
    with pytest.raises(DGNOError, match="exists already; add --skip-existing or --overwrite"):
        plan_outputs(images[:1], target)
    assert plan_outputs(images[:1], target, overwrite=True) == [
        ImageTask(images[0], target, may_replace=True)
    ]


def test_an_input_is_never_overwritten(images: list[Path]) -> None:
    with pytest.raises(DGNOError, match="is an input"):
        plan_outputs(images[:1], images[0], overwrite=True)


def test_two_inputs_of_one_name_do_not_share_a_result(tmp_path: Path) -> None:
    twins = [tmp_path / "a.tif", tmp_path / "a.png"]
    for twin in twins:
        twin.write_bytes(b"image")
    with pytest.raises(DGNOError, match="would both be written"):
        plan_outputs(twins, tmp_path / "results")


def test_several_images_do_not_go_into_one_file(images: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DGNOError, match="2 images cannot go into the one file"):
        plan_outputs(images, tmp_path / "out.tif")
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(DGNOError, match="is a file; give a folder"):
        plan_outputs(images, tmp_path / "plain")


def test_a_folder_of_the_user_is_never_replaced(images: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "userdir.zarr"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(DGNOError, match=r"userdir\.zarr is a folder that is no zarr image; give"):
        plan_outputs(images[:1], folder, overwrite=True)


def test_a_file_that_only_bears_the_name_of_a_record_is_kept(
    images: list[Path], tmp_path: Path
) -> None:
    taken = tmp_path / "out.tif.json"
    taken.write_text('{"mine": 1}')
    with pytest.raises(DGNOError, match=r"out\.tif\.json exists already; add --overwrite or give"):
        plan_outputs(images[:1], tmp_path / "out.tif")
    assert len(plan_outputs(images[:1], tmp_path / "out.tif", overwrite=True)) == 1


@pytest.mark.parametrize("count", [1, 2])
def test_a_folder_named_like_a_file_is_called_a_folder(
    images: list[Path], tmp_path: Path, count: int
) -> None:
    (tmp_path / "dir.tif").mkdir()
    with pytest.raises(DGNOError, match=r"dir\.tif is a folder, though named like a file"):
        plan_outputs(images[:count], tmp_path / "dir.tif")


def test_an_earlier_result_among_the_inputs_is_recognised(tmp_path: Path) -> None:
    inputs = [tmp_path / "a.ome.tif", tmp_path / "a.tif"]
    for path in inputs:
        path.write_bytes(b"image")
    with pytest.raises(DGNOError, match=r"a\.ome\.tif is an input, but probably an earlier result"):
        plan_outputs(inputs, tmp_path)
    with pytest.raises(DGNOError, match="would both be written"):
        plan_outputs(inputs, tmp_path / "elsewhere")
