"""Runs on real pairs: folders, focal stacks, data sets, and images without targets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from dgno_core.errors import DGNOError
from dgno_core.inference import restore
from dgno_core.models import read_card
from dgno_core.training import load_config, train_events
from dgno_core.training.data_config import StackData
from dgno_core.training.events import TrainFinished, TrainStarted, Validated
from dgno_core.training.pair_sources import divide
from dgno_core.training.sources import open_data


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
    found = divide(config.data)
    assert {(p.region.top, p.region.bottom) for p in found.train} == {(0, 80)}
    assert {(p.region.top, p.region.bottom) for p in found.held_out} == {(96, 160)}
    assert isinstance(list(train_events(config))[-1], TrainFinished)


def test_validation_sees_what_restoring_sees(config_file: Path, stack: Path) -> None:
    """The scaling of a stack in training is that of the stack when it is restored."""
    data = {"kind": "stacks", "stacks": [str(stack)], "rows": [0, 0.5], "registered": False,
            "planes": [0, 1, 3, 4]}  # fmt: skip
    config = load_config(config_file, as_data(config_file, data))
    planes = tifffile.imread(stack).astype(float)
    low, high = np.percentile(planes[[0, 1, 3, 4]], (0.1, 99.9))
    image = open_data(config).held_out[0]
    rows = planes[0][112:]  # the gap is 32
    np.testing.assert_allclose(image.blurred[0], (rows - low) / (high - low), atol=1e-4)


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
    for data, complaint in (
        ({"kind": "stacks", "stacks": [str(tmp_path / "none.tif")]}, "does not exist"),
        ({"kind": "stacks", "stacks": [str(tmp_path / "one.tif")]}, "one"),
        ({"kind": "stacks", "stacks": [str(stack)], "rows": [0, 0.99]}, "too few"),
        ({"kind": "stacks", "stacks": [str(stack)], "rows": [0, 1]}, "part of the height"),
        ({"kind": "set", "name": "bbbc007", "root": "x"}, "bbbc007"),
        ({"kind": "set", "name": "dpdd", "root": str(tmp_path)}, "DPDD"),
        ({"kind": "folders", "blurred": str(tmp_path), "sharp": str(tmp_path / "no")}, "no"),
    ):
        with pytest.raises(DGNOError, match=complaint):
            opened(data)


def test_rows_below_train_and_rows_above_validate(stack: Path) -> None:
    found = divide(StackData(stacks=(stack,), rows=(0.5, 1.0), gap=10))
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
