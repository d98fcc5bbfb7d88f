"""Tiny trees with the real names of every data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from dgno_core.io.names import BBBC006

Write = Callable[..., Path]

# Each data set with the names of a small but whole tree: blurred, sharp, labels.
TREES: dict[str, Sequence[str]] = {
    "bbbc006-w1": [
        *(
            f"BBBC006_v1_images_z_{z:02d}/mcf-z-stacks-03212011_{well}_s{site}_w{w}"
            f"{z:08x}-77a3-4a12-9a0b-{site}{w}8e9c2d4f01.tif"
            for z in (0, 2, 6, 10, 16)
            for well in ("a01", "p24")
            for site in (1, 2)
            for w in (1, 2)
        ),
        "BBBC006_v1_labels/mcf-z-stacks-03212011_a01_s1.png",
    ],
    "3dhistech": [
        f"{split}/{side}/slide_{n}.png"
        for split in ("train", "val", "test")
        for side in ("blur", "GT")
        for n in {"train": (1, 2), "val": (3,), "test": (4,)}[split]
    ],
    "wnlo": ["blur/a/1.png", "blur/b/1.png", "blur/2.png"],
    "cadisblur": [
        *(f"train/GT/Video{v}_frame000090.png" for v in (1, 5, 25)),
        *(f"train/blur/Video{v}_frame000090_{s}.png" for v in (1, 5, 25) for s in ("ins", "ana")),
        "train/labels/Video1_frame000090.png",
        "test/GT/Video12_frame000470.png",
        "test/blur/Video12_frame000470_ins.png",
        "test/blur/Video12_frame000470_ana.png",
    ],
    "catablur": ["Frames/1/0001.jpg", "Frames/2/0001.jpg"],
    "dpdd": [
        "train_c/source/1P0A0917.png",
        "train_c/source/1P0A0984.png",
        "train_c/target/1P0A0918.png",
        "train_c/target/1P0A0985.png",
        "train_l/source/1P0A0917_L.png",
        "train_r/source/1P0A0917_R.png",
        "val_c/source/1P0A1002.png",
        "val_c/target/1P0A1001.png",
        "test_c/source/1P0A1063.png",
        "test_c/target/1P0A1064.png",
    ],
    "realdof": ["source/01.png", "source/02.png", "target/01.png", "target/02.png"],
    "lfdof": [
        "train_data/input/IMG_1275/IMG_1275_ap1_00.png",
        "train_data/input/IMG_1275/IMG_1275_ap1_01.png",
        "train_data/ground_truth/IMG_1275.png",
        "test_data/input/IMG_2464/IMG_2464_ap1_00.png",
        "test_data/ground_truth/IMG_2464.png",
    ],
    "cuhk": [
        "image/motion0001.jpg",
        "image/out_of_focus0001.jpg",
        "image/out_of_focus0704.jpg",
        "gt/motion0001.png",
        "gt/out_of_focus0001.png",
    ],
}
# Pairs that each of these trees holds, by split.
PAIRS: dict[str, dict[str, int]] = {
    "bbbc006-w1": {"train": 12},
    "3dhistech": {"train": 2, "val": 1, "test": 1},
    "wnlo": {"train": 3},
    "cadisblur": {"train": 4, "val": 2, "test": 2},
    "catablur": {"train": 2},
    "dpdd": {"train": 2, "val": 1, "test": 1},
    "realdof": {"test": 2},
    "lfdof": {"train": 2, "test": 1},
    "cuhk": {"test": 2},
}


def write_image(path: Path, size: tuple[int, int] = (6, 8)) -> None:
    """Write a black image of the kind that the ending says; grey for BBBC006, else colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() in (".tif", ".tiff"):
        import tifffile

        tifffile.imwrite(path, np.zeros(size, np.uint16))
        return
    from PIL import Image

    grey = BBBC006.match(f"{path.stem}_w1") is not None
    image = Image.fromarray(np.zeros(size if grey else (*size, 3), np.uint8))
    image.save(path, {".jpg": "JPEG", ".bmp": "BMP"}.get(path.suffix.lower(), "PNG"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes tiny images under a new folder and returns it."""

    def call(names: Iterable[str], size: tuple[int, int] = (6, 8), root: str = "root") -> Path:
        for name in names:
            write_image(tmp_path / root / name, size)
        return tmp_path / root

    return call


@pytest.fixture(params=sorted(TREES))
def dataset(request: pytest.FixtureRequest) -> str:
    """Name of each data set in turn."""
    return str(request.param)


@pytest.fixture
def trees() -> dict[str, Sequence[str]]:
    """File names of a small tree of each data set."""
    return TREES


@pytest.fixture
def pairs() -> dict[str, dict[str, int]]:
    """Pairs in each of these trees."""
    return PAIRS
