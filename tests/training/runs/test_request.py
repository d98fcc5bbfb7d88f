"""What is written into a run's folder, and the config that goes with it."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml

from dgno_core.errors import DGNOError
from dgno_core.io import as_source, read_image
from dgno_core.training.config_file import load_config
from dgno_core.training.runs.image_files import blocks
from dgno_core.training.runs.image_folders import PairedFolders, SharpFolder, StackFolder
from dgno_core.training.runs.images import PairedImages, SharpImages, StackImage
from dgno_core.training.runs.request import SCRATCH, Request, free_name, prepare, slug
from dgno_core.training.runs.run import CONFIG


def textured(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = gaussian_filter(noise, (0,) * (len(shape) - 2) + (1.5, 1.5))
    return (2000 + 6000 * smooth).clip(0, 65535).astype(np.uint16)


def stack(planes: int = 4, side: int = 96, focus: int = 1) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    sharp = textured((side, side)).astype(float)
    return np.stack([gaussian_filter(sharp, 1.2 * abs(z - focus)) for z in range(planes)]).astype(
        np.uint16
    )


def request(choice: Any, runs: Path, **changes: Any) -> Request:
    fields = {"start": "auto", "preset": "quick", "name": "mine", "runs": runs, "device": "cpu"}
    return Request(choice=choice, **{**fields, **changes})


def prepared(wanted: Request) -> Any:
    for _ in prepare(wanted):
        pass
    return load_config(wanted.folder / CONFIG)


def test_blocks_are_stacks_in_the_order_of_their_axes() -> None:
    data = np.arange(2 * 3 * 20 * 4 * 24).reshape(2, 3, 20, 4, 24).astype(np.uint16)
    found = list(blocks(as_source(data, "TCYZX"), "ZYX"))
    assert len(found) == 6
    np.testing.assert_array_equal(found[4], np.moveaxis(data[1, 1], 1, 0))


def test_colour_stays_together_and_loses_its_opacity() -> None:
    data = np.random.default_rng(0).integers(0, 255, (3, 20, 24, 4), np.uint8)
    (found,) = blocks(as_source(data, "ZYXS"), "ZYX")
    np.testing.assert_array_equal(found, data[..., :3])


def test_a_stack_layer_becomes_files_that_the_engine_pairs(tmp_path: Path) -> None:
    from dgno_core.training.pair_sources import split

    source = as_source(np.stack([stack(), stack(focus=2)]), "TZYX", "my cells")
    config = prepared(request(StackImage(source), tmp_path))
    assert [path.name for path in config.data.stacks] == ["my-cells-0001.tif", "my-cells-0002.tif"]
    np.testing.assert_array_equal(read_image(config.data.stacks[1]).data[:], source.data[1])
    assert read_image(config.data.stacks[0]).axes == "ZYX"
    found = split(config.data)
    assert len(found.train) == 6
    assert all(pair.region.bottom <= 72 for pair in found.train)
    assert all(pair.region.top > 72 for pair in found.held_out)


def test_the_chosen_plane_is_the_target(tmp_path: Path) -> None:
    config = prepared(request(StackImage(as_source(stack(), "ZYX"), 3, align=False), tmp_path))
    assert (config.data.sharp, config.data.registered) == (3, False)


def test_a_single_pair_is_divided_into_training_and_validation(tmp_path: Path) -> None:
    from dgno_core.training.pair_sources import split

    sharp, blurred = stack()[1], stack()[3]
    choice = PairedImages(as_source(blurred, "YX", "b"), as_source(sharp, "YX", "s"), align=False)
    found = split(prepared(request(choice, tmp_path)).data)
    ((trained, target),) = [pair.read() for pair in found.train]
    np.testing.assert_array_equal(trained, blurred[:72])
    np.testing.assert_array_equal(target, sharp[:72])
    ((_, held_out),) = [pair.read() for pair in found.held_out]
    np.testing.assert_array_equal(held_out, sharp[72 + 6 :])


def test_pairs_are_aligned_before_they_are_written(tmp_path: Path) -> None:
    from dgno_core.training.pair_sources import split

    scene = textured((140, 140))
    sharp, blurred = scene[10:130, 10:130], scene[13:133, 8:128]
    choice = PairedImages(as_source(blurred, "YX", "b"), as_source(sharp, "YX", "s"))
    ((trained, target),) = [
        pair.read() for pair in split(prepared(request(choice, tmp_path)).data).train
    ]
    difference = trained[8:-8, 8:-8].astype(float) - target[8:-8, 8:-8]
    assert np.abs(difference).mean() < 0.1 * target.std()


def test_layers_of_different_places_are_refused_in_one_sentence(tmp_path: Path) -> None:
    one, other = textured((96, 96), 1), textured((96, 96), 2)
    wanted = request(PairedImages(as_source(one, "YX", "b"), as_source(other, "YX", "s")), tmp_path)
    with pytest.raises(DGNOError, match="'b' and 's' cannot be aligned"):
        prepared(wanted)
    assert not wanted.folder.exists()


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        (StackImage(as_source(np.zeros((40, 40), np.uint16), "YX", "flat")), "one plane only"),
        (StackImage(as_source(np.zeros((1, 40, 40), np.uint16), "ZYX", "flat")), "one plane only"),
        (StackImage(as_source(np.zeros((3, 40, 40), np.uint16), "ZYX", "deep"), 7), "0 to 2"),
        (
            PairedImages(
                as_source(np.zeros((40, 40), np.uint16), "YX", "small"),
                as_source(np.zeros((40, 50), np.uint16), "YX", "large"),
            ),
            "'small' (40 × 40) and 'large' (40 × 50)",
        ),
        (SharpFolder(Path("no-such-folder")), "no folder"),
        (SharpFolder(Path()), "Choose the folder"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(choice: Any, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(DGNOError) as caught:
        request(choice, tmp_path).check()
    assert complaint in str(caught.value)


def test_a_sharp_layer_is_a_synthetic_set(tmp_path: Path) -> None:
    from dgno_core.training.sources import open_data

    source = as_source(textured((3, 96, 96)), "TYX", "t")
    config = prepared(request(SharpImages(source), tmp_path))
    data = open_data(config)
    assert (data.images, len(data.held_out)) == (1, 2)
    single = SharpImages(as_source(textured((96, 96)), "YX", "t"))
    assert open_data(prepared(request(single, tmp_path, name="other"))).images == 1


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for place in ("blurred", "sharp"):
        (tmp_path / place).mkdir()
        for number in range(3):
            image = textured((96, 96), number)
            tifffile.imwrite(tmp_path / place / f"{number}.tif", image)
    (tmp_path / "stacks").mkdir()
    for number in range(2):
        path = tmp_path / "stacks" / f"{number}.tif"
        tifffile.imwrite(path, stack(), photometric="minisblack", metadata={"axes": "ZYX"})
    return tmp_path


def test_folders_are_used_where_they_are(folders: Path, tmp_path: Path) -> None:
    from dgno_core.training.pair_sources import split

    runs = tmp_path / "runs"
    pairs = prepared(
        request(PairedFolders(folders / "blurred", folders / "sharp"), runs, name="pairs")
    )
    assert len(split(pairs.data).train) == 1
    stacks = prepared(request(StackFolder(folders / "stacks", align=False), runs, name="stacks"))
    assert len(split(stacks.data).train) == 6
    sharp = prepared(request(SharpFolder(folders / "sharp"), runs, name="sharp"))
    assert sharp.data.root == (folders / "sharp").resolve()
    assert not (runs / "stacks" / "data").exists()


def test_a_folder_of_planes_is_one_stack(folders: Path, tmp_path: Path) -> None:
    config = prepared(request(StackFolder(folders / "sharp"), tmp_path / "runs"))
    assert [path.name for path in config.data.stacks] == ["sharp"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **keywords: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tifffile.imwrite", full)
    wanted = request(StackImage(as_source(stack(), "ZYX")), tmp_path)
    with pytest.raises(DGNOError, match="disk is full"):
        prepared(wanted)
    assert list(tmp_path.iterdir()) == []


def test_a_closed_preparation_leaves_nothing(tmp_path: Path) -> None:
    wanted = request(SharpImages(as_source(textured((4, 96, 96)), "TYX")), tmp_path)
    steps = prepare(wanted)
    next(steps)
    steps.close()
    assert list(tmp_path.iterdir()) == []


def test_weights_must_fit_the_colours(tmp_path: Path) -> None:
    wanted = request(
        SharpImages(as_source(textured((96, 96)), "YX")), tmp_path, start="dgno-cell-small-colour"
    )
    with pytest.raises(DGNOError, match="colour images and yours are grey"):
        prepared(wanted)


def test_colour_starts_from_the_colour_weights(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    config = prepared(request(SharpImages(as_source(pixels, "YXS")), tmp_path))
    assert (config.start, config.model.channels) == ("dgno-cell-small-colour", 3)


def test_from_scratch_takes_the_network_of_the_preset(tmp_path: Path) -> None:
    choice = SharpImages(as_source(textured((96, 96)), "YX"))
    config = prepared(request(choice, tmp_path, start=SCRATCH))
    assert (config.start, config.model.width) == (None, 16)


def test_own_weights_are_copied_so_that_the_run_can_go_on(tmp_path: Path) -> None:
    import shutil

    from dgno_core.models.weights import PACKAGED

    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(PACKAGED / "dgno-cell-small.safetensors", models / "own.safetensors")
    choice = SharpImages(as_source(textured((96, 96)), "YX"))
    wanted = request(choice, tmp_path / "runs", start="own", model_folder=models)
    config = prepared(wanted)
    shutil.rmtree(models)
    assert Path(config.start) == wanted.folder / "start.safetensors"
    assert load_config(wanted.folder / CONFIG) == config


def test_crops_fit_the_images(tmp_path: Path) -> None:
    small = SharpImages(as_source(textured((2, 70, 90)), "TYX"))
    assert prepared(request(small, tmp_path)).crop == 64
    tiny = SharpImages(as_source(textured((2, 20, 90)), "TYX"))
    with pytest.raises(DGNOError, match="too small"):
        prepared(request(tiny, tmp_path, name="tiny"))


def test_a_run_may_be_moved(tmp_path: Path) -> None:
    wanted = request(StackImage(as_source(stack(), "ZYX")), tmp_path)
    prepared(wanted)
    moved = wanted.folder.rename(tmp_path / "moved")
    config = load_config(moved / CONFIG)
    assert config.out == moved / "."
    assert config.data.stacks[0].is_file()
    assert "out: ." in (moved / CONFIG).read_text()
    assert yaml.safe_load((moved / CONFIG).read_text())["data"]["stacks"][0].startswith("data/")


def test_names_are_tidy_and_free(tmp_path: Path) -> None:
    assert slug("  My Cells: day 3 (µm) ") == "my-cells-day-3-m"
    assert free_name("", tmp_path, None) == "my-model"
    assert free_name("dgno-cell-small", tmp_path, None) == "dgno-cell-small-2"
    (tmp_path / "cells").mkdir()
    assert free_name("cells", tmp_path, None) == "cells-2"


def test_a_taken_name_is_refused(tmp_path: Path) -> None:
    choice = SharpImages(as_source(textured((96, 96)), "YX"))
    with pytest.raises(DGNOError, match="already"):
        request(choice, tmp_path, name="dgno-cell-small").check()
    (tmp_path / "mine").mkdir()
    with pytest.raises(DGNOError, match="exists already"):
        request(choice, tmp_path).check()


def test_timing_a_step_leaves_torch_to_its_own_process(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from dgno_core.io import as_source\n"
        "from dgno_core.training.runs.images import StackImage\n"
        "from dgno_core.training.runs.request import Request, timed_settings\n"
        "choice = StackImage(as_source(np.zeros((4, 96, 112), np.uint16), 'ZYX', 'cells'))\n"
        "request = Request(choice, 'auto', 'quick', '', '.')\n"
        "print(timed_settings(request, choice.kind())['crop'], 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["64", "False"]
