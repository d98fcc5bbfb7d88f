from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from dgno_core.data.paired_folders import paired_arrays, paired_folders, unlabelled_folder
from dgno_core.errors import DGNOError


def picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 24), value, np.uint8)).save(path)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for number in (1, 2, 10):
        picture(tmp_path / "blurred" / f"cell{number}.png", number)
        picture(tmp_path / "sharp" / f"cell{number}.bmp", 100 + number)
    (tmp_path / "blurred" / "notes.txt").touch()
    return tmp_path / "blurred", tmp_path / "sharp"


def test_equal_names_are_pairs_whatever_the_kind(folders: tuple[Path, Path]) -> None:
    pairs = paired_folders(*folders, split="val")
    assert [pair.name for pair in pairs] == ["cell1", "cell2", "cell10"]
    for pair in pairs:
        blurred, sharp = pair.read()
        assert sharp is not None
        assert sharp[0, 0] == blurred[0, 0] + 100
        assert pair.split == "val"


def test_images_without_a_partner_are_named(folders: tuple[Path, Path]) -> None:
    blurred, sharp = folders
    for number in range(20, 25):
        picture(blurred / f"alone{number}.png", 0)
    (sharp / "cell2.bmp").rename(sharp / "cel2.bmp")
    with pytest.raises(DGNOError) as caught:
        paired_folders(blurred, sharp)
    text = str(caught.value)
    assert "alone20.png, alone21.png, alone22.png and 3 more" in text
    assert "cel2.bmp" in text
    assert text.count(".\n") == 0
    assert len(paired_folders(blurred, sharp, allow_missing=True)) == 2


def test_patterns_give_several_planes_one_target(tmp_path: Path) -> None:
    for field in ("a", "b"):
        for z in (2, 6, 10):
            picture(tmp_path / "all" / f"{field}_z{z:02d}.png", z)
        picture(tmp_path / "all" / f"{field}_sharp.png", 99)
    pairs = paired_folders(
        tmp_path / "all",
        tmp_path / "all",
        blurred_pattern="{name}_z*",
        sharp_pattern="{name}_sharp",
    )
    assert [pair.name for pair in pairs] == [f"{f}_z{z}" for f in "ab" for z in ("02", "06", "10")]
    assert {pair.sharp.name for pair in pairs if pair.sharp} == {"a_sharp.png", "b_sharp.png"}


def test_sub_folders_belong_to_the_name(tmp_path: Path) -> None:
    for well in ("A1", "B2"):
        picture(tmp_path / "blurred" / well / "1.png", 1)
        picture(tmp_path / "sharp" / well / "1.png", 2)
    pairs = paired_folders(tmp_path / "blurred", tmp_path / "sharp")
    assert [pair.name for pair in pairs] == ["A1/1", "B2/1"]


def test_stacks_are_paired_plane_by_plane(tmp_path: Path) -> None:
    data = np.arange(3 * 20 * 24, dtype=np.uint16).reshape(3, 20, 24)
    for name, stack in (
        ("blurred", data),
        ("sharp", data + 1),
        ("one", data[:1]),
        ("two", data[1:]),
    ):
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / "s.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    pairs = paired_folders(tmp_path / "blurred", tmp_path / "sharp")
    assert [pair.name for pair in pairs] == ["s, z 0", "s, z 1", "s, z 2"]
    np.testing.assert_array_equal(pairs[2].read()[1], data[2] + 1)
    against_one = paired_folders(tmp_path / "blurred", tmp_path / "one")
    assert all((pair.read()[1] == data[0]).all() for pair in against_one)
    with pytest.raises(DGNOError, match="3 blurred planes cannot be paired with 2"):
        paired_folders(tmp_path / "blurred", tmp_path / "two")


def test_folders_that_make_no_pairs_are_refused(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DGNOError, match="empty is an empty folder; expected are TIFF"):
        paired_folders(tmp_path / "empty", folders[1])
    with pytest.raises(DGNOError, match="no folder"):
        paired_folders(tmp_path / "lost", folders[1])
    with pytest.raises(DGNOError, match="fit"):
        paired_folders(*folders, blurred_pattern="{name}_blur")
    with pytest.raises(DGNOError, match="once"):
        paired_folders(*folders, blurred_pattern="cell*")
    picture(folders[1] / "cell1.png", 0)
    with pytest.raises(DGNOError, match="several sharp images called 'cell1'"):
        paired_folders(*folders)


def test_no_common_name_is_refused_even_if_gaps_are_allowed(tmp_path: Path) -> None:
    picture(tmp_path / "blurred" / "a.png", 0)
    picture(tmp_path / "sharp" / "b.png", 0)
    with pytest.raises(DGNOError, match="No image"):
        paired_folders(tmp_path / "blurred", tmp_path / "sharp", allow_missing=True)


def test_layers_are_paired() -> None:
    stack = np.random.default_rng(0).random((4, 20, 24), np.float32)
    pairs = paired_arrays(stack, stack + 1, "cells")
    assert [pair.name for pair in pairs] == [f"cells, z {z}" for z in range(4)]
    np.testing.assert_array_equal(pairs[3].read()[1], stack[3] + 1)
    assert len(paired_arrays(stack, stack[0])) == 4
    assert len(paired_arrays(stack[0], stack[1])) == 1
    assert paired_arrays(np.zeros((20, 24, 3), np.uint8), None)[0].sharp is None
    with pytest.raises(DGNOError, match="cells"):
        paired_arrays(stack, stack[:2], "cells")
    with pytest.raises(DGNOError, match="cells, blurred"):
        paired_arrays(stack[None, None], stack, "cells")


def test_extra_data_come_from_one_folder(folders: tuple[Path, Path]) -> None:
    pairs = unlabelled_folder(folders[0])
    assert len(pairs) == 3
    assert all(pair.sharp is None for pair in pairs)
