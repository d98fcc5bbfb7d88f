"""Runs on real pairs: folders, focal stacks, data sets, and images without targets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from dgno_core.errors import DGNOError
from dgno_core.inference import Restorer, restore
from dgno_core.models import read_card
from dgno_core.training import load_config, train_events
from dgno_core.training.data_config import ExtraSetData, FolderData, SetData, StackData
from dgno_core.training.events import TrainFinished, TrainStarted, Validated
from dgno_core.training.pair_sources import split
from dgno_core.training.sources import open_data
from dgno_core.training.validation import HeldOutImage


def texture(seed: int, shape: tuple[int, int] = (96, 80)) -> NDArray[np.float64]:
    """Spots of some pixels, bright on dark."""
    spots = np.random.default_rng(seed).uniform(size=shape) > 0.97
    return 200 + 3000 * gaussian_filter(spots.astype(float), 1.2)


def as_data(config_file: Path, data: dict, *more: str) -> list[str]:
    """Settings that replace the data of the tiny run."""
    return [f"data={json.dumps(data)}", "steps=2", "validation.every=2", *more]


@pytest.fixture
def folders(tmp_path: Path) -> dict:
    for number in range(4):
        sharp = texture(number)
        for name, width in (("sharp", 0.0), ("blurred", 2.0)):
            (tmp_path / name).mkdir(exist_ok=True)
            image = gaussian_filter(sharp, width) if width else sharp
            tifffile.imwrite(tmp_path / name / f"cell_{number}.tif", image.astype(np.uint16))
    return {"kind": "folders", "blurred": str(tmp_path / "blurred"),
            "sharp": str(tmp_path / "sharp"), "held_out_every": 4}  # fmt: skip


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    sharp = texture(7, (160, 96))
    planes = [gaussian_filter(sharp, abs(z - 2) * 1.5) for z in range(5)]
    tifffile.imwrite(tmp_path / "stack.tif", np.stack(planes).astype(np.uint16),
                     metadata={"axes": "ZYX"}, ome=True)  # fmt: skip
    return tmp_path / "stack.tif"


def test_folders_train_and_every_fourth_pair_validates(config_file: Path, folders: dict) -> None:
    config = load_config(config_file, as_data(config_file, folders))
    events = list(train_events(config))
    assert isinstance(events[0], TrainStarted)
    assert (events[0].images, events[0].held_out) == (3, 1)
    assert isinstance(events[-1], TrainFinished)
    (check,) = [event for event in events if isinstance(event, Validated)]
    assert 0 < check.blurred < 60


def test_a_stack_trains_on_its_upper_rows_and_validates_on_the_lower(
    config_file: Path, stack: Path
) -> None:
    data = {"kind": "stacks", "stacks": [str(stack)], "rows": [0, 0.5], "gap": 16}
    config = load_config(config_file, as_data(config_file, data))
    opened = open_data(config)
    assert opened.images == 4
    assert "plane 2 (from 0 on) is in best focus" in opened.notes[0]
    # Rows 0-79 train, the gap is 80-95, the rest validates.
    assert {tuple(image.sharp.shape) for image in opened.held_out} == {(1, 64, 96)}
    found = split(config.data)
    assert {(p.region.top, p.region.bottom) for p in found.train} == {(0, 80)}
    assert {(p.region.top, p.region.bottom) for p in found.held_out} == {(96, 160)}
    assert isinstance(list(train_events(config))[-1], TrainFinished)


def drifting(path: Path, colours: bool = False) -> Path:
    """A stack whose sharp plane is the brightest and whose first plane is shifted."""
    sharp = texture(7, (160, 96))
    planes = np.stack([gaussian_filter(sharp, abs(z - 2) * 1.5) for z in range(5)])
    planes[0] = np.roll(planes[0], (3, -2), (0, 1))
    if colours:
        planes = np.stack([planes / 20, planes / 40, planes / 80], axis=-1)
    tifffile.imwrite(path, planes.astype(np.uint8 if colours else np.uint16), ome=True,
                     photometric="rgb" if colours else "minisblack",
                     metadata={"axes": "ZYXS" if colours else "ZYX"})  # fmt: skip
    return path


@pytest.mark.parametrize("kept", [1 << 22, 1000])
@pytest.mark.parametrize("colours", [False, True])
def test_validation_sees_what_restoring_sees(
    config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int, colours: bool
) -> None:
    """The range of a stack in training is the one that restoring its file measures."""
    monkeypatch.setattr("dgno_core.io.normalise.SAMPLES", kept)
    path = drifting(tmp_path / "drift.tif", colours)
    data = {"kind": "stacks", "stacks": [str(path)], "rows": [0, 0.5], "planes": [1, 4]}
    network = "dgno-cell-small-colour" if colours else "dgno-cell-small"
    more = ["model={base: dgno-cell-small, channels: 3}"] if colours else []
    config = load_config(config_file, as_data(config_file, data, *more))
    (limits,) = Restorer(network, device="cpu").ranges(path)
    planes = tifffile.imread(path)
    image = open_data(config).held_out[0]
    assert image.name == "drift, z 1 to 2"
    rows = planes[2][112:] if colours else planes[2][112:, :, None]  # the gap is 32
    np.testing.assert_array_equal(image.sharp, limits.apply(np.moveaxis(rows, -1, 0)))


def test_a_held_out_image_does_not_depend_on_how_many_there_are(
    config_file: Path, tmp_path: Path
) -> None:
    data = {"kind": "stacks", "stacks": [str(drifting(tmp_path / "drift.tif"))], "rows": [0, 0.5]}

    def first(count: int) -> HeldOutImage:
        more = f"validation.images={count}"
        return open_data(load_config(config_file, as_data(config_file, data, more))).held_out[0]

    one, all_of_them = first(1), first(9)
    assert one.name == all_of_them.name
    assert torch.equal(one.blurred, all_of_them.blurred)
    assert torch.equal(one.sharp, all_of_them.sharp)


def test_stacks_of_equal_names_keep_their_own_ranges(config_file: Path, tmp_path: Path) -> None:
    paths = []
    for day, gain in (("monday", 1), ("tuesday", 10)):
        (tmp_path / day).mkdir()
        planes = [gaussian_filter(texture(7, (160, 96)), abs(z - 1) * 2.0) for z in range(3)]
        paths.append(tmp_path / day / "stack.tif")
        tifffile.imwrite(paths[-1], gain * np.stack(planes).astype(np.uint16),
                         metadata={"axes": "ZYX"}, ome=True)  # fmt: skip
    data = {"kind": "stacks", "stacks": [str(path) for path in paths], "rows": [0, 0.5],
            "registered": False}  # fmt: skip
    monday, _, tuesday, _ = open_data(load_config(config_file, as_data(config_file, data))).held_out
    assert monday.name == tuesday.name == "stack, z 0 to 1"
    torch.testing.assert_close(monday.blurred, tuesday.blurred)


def test_stacks_in_folders_are_scaled_as_whole_files(config_file: Path, tmp_path: Path) -> None:
    for name in ("blurred", "sharp"):
        (tmp_path / name).mkdir()
        for number in range(2):
            planes = [texture(5 * number + z) * (z + 1) for z in range(3)]
            tifffile.imwrite(tmp_path / name / f"{number}.tif", np.stack(planes).astype(np.uint16),
                             metadata={"axes": "ZYX"}, ome=True)  # fmt: skip
    data = {"kind": "folders", "blurred": str(tmp_path / "blurred"),
            "sharp": str(tmp_path / "sharp")}  # fmt: skip
    image = open_data(load_config(config_file, as_data(config_file, data))).held_out[0]
    path = tmp_path / "blurred" / "0.tif"
    (limits,) = Restorer(device="cpu").ranges(path)
    np.testing.assert_array_equal(image.blurred[0], limits.apply(tifffile.imread(path)[0]))


def test_blurred_images_of_one_place_train_or_validate_together(tmp_path: Path) -> None:
    for number in range(4):
        for name in ("z1", "z2", "z3", "sharp"):
            image = texture(number).astype(np.uint16)
            tifffile.imwrite(tmp_path / f"cell{number}_{name}.tif", image)
    patterns = {"blurred_pattern": "{name}_z*", "sharp_pattern": "{name}_sharp"}
    found = split(FolderData(blurred=tmp_path, sharp=tmp_path, held_out_every=2, **patterns))
    fields = [{pair.name.split("_")[0] for pair in part} for part in (found.train, found.held_out)]
    assert fields == [{"cell1", "cell3"}, {"cell0", "cell2"}]
    assert len(found.train) == len(found.held_out) == 6
    for number in (1, 2, 3):
        for file in tmp_path.glob(f"cell{number}_*"):
            file.unlink()
    with pytest.raises(DGNOError, match="a single sharp image"):
        split(FolderData(blurred=tmp_path, sharp=tmp_path, **patterns))


@pytest.mark.parametrize("sharp", ["local", "composite"])
@pytest.mark.parametrize("rows", [(0.0, 0.5), (0.0, 0.8), (0.4, 1.0)])
def test_tiles_and_composites_train_and_validate_on_rows_apart(
    tmp_path: Path, sharp: str, rows: tuple[float, float]
) -> None:
    specimen = texture(3, (320, 256))
    left = np.arange(256) < 128
    planes = [
        np.where(left, *(gaussian_filter(specimen, abs(z - best) * 1.5) for best in (1, 3)))
        for z in range(5)
    ]
    tifffile.imwrite(tmp_path / "bent.tif", np.stack(planes).astype(np.uint16),
                     metadata={"axes": "ZYX"}, ome=True)  # fmt: skip
    settings = {"stacks": (tmp_path / "bent.tif",), "registered": False, "rows": rows, "gap": 20}
    found = split(StackData(sharp=sharp, **settings))
    train, held_out = (
        {row for pair in part for row in range(*pair.region.index[0].indices(320))}
        for part in (found.train, found.held_out)
    )
    assert train <= set(range(round(320 * rows[0]), round(320 * rows[1])))
    assert min(abs(row - other) for row in train for other in held_out) > 20
    for pair in (*found.train, *found.held_out):
        blurred, target = pair.read()
        assert min(blurred.shape) >= 16
        assert target is not None
    if sharp == "local":
        assert {pair.sharp.name for pair in found.train} == {"bent.tif, z 1", "bent.tif, z 3"}
    else:
        assert len(found.train) == len(found.held_out) == 4


def test_local_targets_train_to_the_end(config_file: Path, stack: Path) -> None:
    data = {"kind": "stacks", "stacks": [str(stack)], "sharp": "local", "gap": 8}
    config = load_config(config_file, as_data(config_file, data))
    assert isinstance(list(train_events(config))[-1], TrainFinished)


@pytest.mark.parametrize(
    ("normalisation", "percentiles", "scaling"),
    [("shared", (0.1, 99.9), "percentiles"), ("minmax", (0.0, 100.0), "percentiles"),
     ("type", (0.1, 99.9), "type")],
)  # fmt: skip
def test_the_card_tells_how_the_images_were_scaled(
    config_file: Path, folders: dict, normalisation: str, percentiles: tuple, scaling: str
) -> None:
    data = folders | {"normalisation": normalisation}
    config = load_config(config_file, as_data(config_file, data, "steps=1"))
    path = list(train_events(config))[-1].path
    card = read_card(path)
    assert (card.scaling, card.percentiles) == (scaling, percentiles)
    image = tifffile.imread(Path(folders["blurred"]) / "cell_0.tif")
    assert restore(image, str(path), device="cpu").shape == image.shape


def test_bad_stacks_say_what_to_do(config_file: Path, stack: Path, tmp_path: Path) -> None:
    def opened(data: dict) -> None:
        open_data(load_config(config_file, as_data(config_file, data)))

    tifffile.imwrite(tmp_path / "one.tif", texture(0).astype(np.uint16))
    flat = tmp_path / "flat.tif"
    tifffile.imwrite(flat, np.full((3, 64, 64), 7, np.uint16))
    for data, complaint in (
        ({"kind": "stacks", "stacks": [str(tmp_path / "none.tif")]}, "does not exist"),
        ({"kind": "stacks", "stacks": [str(tmp_path / "one.tif")]}, "one"),
        ({"kind": "stacks", "stacks": [str(stack)], "rows": [0, 0.99]}, "at least 16"),
        ({"kind": "stacks", "stacks": str(stack), "sharp": 99}, "planes, 0 to 4, but no 99"),
        ({"kind": "stacks", "stacks": str(stack), "sharp": -1}, "but no -1"),
        (
            {"kind": "stacks", "stacks": str(stack), "offsets": [50]},
            f"planes of {stack.stem}, none",
        ),
        ({"kind": "stacks", "stacks": str(stack), "sharp": "foo"}, "number of a plane, or best"),
        ({"kind": "stacks", "stacks": str(flat)}, "one intensity only"),
        ({"kind": "folders", "blurred": str(tmp_path), "sharp": str(tmp_path)}, "two folders"),
        ({"kind": "folder", "blurred": "x"}, "data has no kind 'folder'"),
        ({"kind": "stacks", "stacks": [str(stack)], "rows": [0, 1]}, "part of the height"),
        ({"kind": "set", "name": "bbbc007", "root": "x"}, "bbbc007"),
        ({"kind": "set", "name": "dpdd", "root": str(tmp_path)}, "DPDD"),
        ({"kind": "folders", "blurred": str(tmp_path), "sharp": str(tmp_path / "no")}, "no"),
    ):
        with pytest.raises(DGNOError, match=complaint):
            opened(data)


def test_rows_below_train_and_rows_above_validate(stack: Path) -> None:
    found = split(StackData(stacks=(stack,), rows=(0.5, 1.0), gap=10))
    assert {(p.region.top, p.region.bottom) for p in found.train} == {(80, 160)}
    assert {(p.region.top, p.region.bottom) for p in found.held_out} == {(0, 70)}


def test_unlabelled_extra_images_train_with_efcr(config_file: Path, folders: dict) -> None:
    extra = {"kind": "unlabelled", "folder": folders["blurred"]}
    settings = as_data(config_file, folders, "loss={pixel: l1, efcr: {beta: 0.001}}",
                       f"extra={json.dumps(extra)}")  # fmt: skip
    assert isinstance(list(train_events(load_config(config_file, settings)))[-1], TrainFinished)


def test_colour_images_can_train_a_grey_network(config_file: Path, tmp_path: Path) -> None:
    for name, width in (("sharp", 0.0), ("blurred", 2.0)):
        (tmp_path / name).mkdir()
        for number in range(2):
            red = gaussian_filter(texture(number), width) / 20
            colours = np.stack([red, red / 2, 0 * red], axis=-1)
            tifffile.imwrite(tmp_path / name / f"{number}.tif", colours.astype(np.uint8),
                             photometric="rgb")  # fmt: skip
    data = {"kind": "folders", "blurred": str(tmp_path / "blurred"),
            "sharp": str(tmp_path / "sharp"), "held_out_every": 2}  # fmt: skip
    with pytest.raises(DGNOError, match="colour"):
        open_data(load_config(config_file, as_data(config_file, data)))
    opened = open_data(load_config(config_file, as_data(config_file, data | {"grey": True})))
    assert opened.held_out[0].sharp.shape[0] == 1


@pytest.fixture
def cuhk(tmp_path: Path) -> Path:
    """Three photographs out of focus, and two blurred by motion, which are white."""
    from PIL import Image

    folder = tmp_path / "CUHK" / "image"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("out_of_focus0001", "out_of_focus0002", "out_of_focus0003"):
        Image.fromarray(rng.integers(0, 200, (64, 64, 3), np.uint8)).save(folder / f"{name}.jpg")
    for name in ("motion0001", "motion0002"):
        Image.fromarray(np.full((64, 64, 3), 255, np.uint8)).save(folder / f"{name}.jpg")
    return folder.parent


def test_a_set_without_targets_is_extra_data(config_file: Path, cuhk: Path) -> None:
    extra = f"extra={json.dumps({'kind': 'set', 'name': 'cuhk', 'root': str(cuhk), 'grey': True})}"
    config = load_config(config_file, [extra, "loss={pixel: l1, efcr: {}}", "steps=1"])
    assert config.extra is not None
    found = split(config.extra)
    assert [pair.name for pair in found.train] == [
        "out_of_focus0001", "out_of_focus0002", "out_of_focus0003",
    ]  # fmt: skip
    assert all(pair.sharp is None for pair in found.train)
    assert isinstance(list(train_events(config))[-1], TrainFinished)
    with pytest.raises(DGNOError, match=r"cuhk have no sharp partners.* extra data"):
        split(SetData(name="cuhk", root=cuhk))


def test_any_set_gives_its_blurred_images_without_targets(tmp_path: Path) -> None:
    from PIL import Image

    for part in ("train", "test"):
        for side in ("source", "target"):
            folder = tmp_path / "DPDD" / f"{part}_c" / side
            folder.mkdir(parents=True)
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / f"{part}1.png")
    images = {"name": "dpdd", "root": tmp_path / "DPDD"}
    assert all(pair.sharp is not None for pair in split(ExtraSetData(**images)).train)
    found = split(ExtraSetData(**images, labels=False)).train
    assert [(pair.split, pair.sharp) for pair in found] == [("train", None)]
    tested = split(ExtraSetData(**images, labels=False, splits=("test",))).train
    assert [(pair.split, pair.sharp) for pair in tested] == [("test", None)]
