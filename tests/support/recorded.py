"""Ten small pictures, the same to the last bit on every machine, and the ways they are opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray
from PIL import Image

GREY, FACE, COLOUR = "dgno-cell-small", "dgno-face-small", "dgno-cell-small-colour"
Opened = NDArray[Any] | Path


def nuclei(height: int, width: int, seed: int, top: int) -> NDArray[np.int64]:
    """Draw blurred, noisy ellipses in whole numbers, which no processor rounds differently."""
    # RandomState's draws are frozen for all times, those of a Generator are not.
    draw = np.random.RandomState(seed).randint
    rows, columns = np.indices((height, width))
    image = np.full((height, width), top // 16, np.int64)
    for _ in range(max(4, height * width // 700)):
        y, x, a, b = draw(height), draw(width), draw(5, 12), draw(5, 12)
        inside = ((rows - y) * b) ** 2 + ((columns - x) * a) ** 2 <= (a * b) ** 2
        image[inside] = draw(top // 3, top - top // 8)
    for axis in (0, 1, 0, 1):
        image = sum(np.roll(image, shift, axis) for shift in range(-2, 3)) // 5
    noise = draw(-(top // 60), top // 60 + 1, image.shape)
    return np.clip(image + noise, 0, top)


def _array(folder: Path, image: NDArray[Any]) -> Opened:
    return image


def _tiff(folder: Path, image: NDArray[Any]) -> Opened:
    tifffile.imwrite(folder / "image.tif", image)
    return folder / "image.tif"


def _ome_tiff(folder: Path, image: NDArray[Any]) -> Opened:
    tifffile.imwrite(folder / "image.ome.tif", image, metadata={"axes": "ZYX"}, ome=True)
    return folder / "image.ome.tif"


def _imagej(folder: Path, image: NDArray[Any]) -> Opened:
    tifffile.imwrite(folder / "image.tif", image, imagej=True, metadata={"axes": "TZYX"})
    return folder / "image.tif"


def _zarr(folder: Path, image: NDArray[Any]) -> Opened:
    stored = zarr.open_array(
        folder / "image.zarr", mode="w", shape=image.shape, chunks=(1, 32, 32), dtype=image.dtype
    )
    stored[...] = image
    return folder / "image.zarr"


def _png(folder: Path, image: NDArray[Any]) -> Opened:
    Image.fromarray(image).save(folder / "image.png")
    return folder / "image.png"


def _bmp(folder: Path, image: NDArray[Any]) -> Opened:
    Image.fromarray(image).save(folder / "image.bmp")
    return folder / "image.bmp"


def _planes(folder: Path, image: NDArray[Any]) -> Opened:
    (folder / "planes").mkdir()
    for number, plane in enumerate(image):
        tifffile.imwrite(folder / "planes" / f"plane_z{number:02d}.tif", plane)
    return folder / "planes"


@dataclass(frozen=True)
class Case:
    """One picture, how it is opened, and with which settings it is restored."""

    make: Callable[[], NDArray[Any]]
    open: Callable[[Path, NDArray[Any]], Opened]
    models: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)


def _colour(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    channels = [255 - nuclei(height, width, seed + i, 200) for i in range(3)]
    return np.stack(channels, -1).astype(np.uint8)


def _stack(planes: int, height: int, width: int, seed: int, top: int) -> NDArray[np.uint16]:
    return np.stack([nuclei(height, width, seed + i, top) for i in range(planes)]).astype(np.uint16)


CASES: dict[str, Case] = {
    "grey8": Case(lambda: nuclei(64, 80, 1, 250).astype(np.uint8), _array, (GREY, FACE)),
    "grey16-odd-size": Case(lambda: nuclei(67, 93, 2, 1000).astype(np.uint16), _tiff, (GREY, FACE)),
    "float": Case(lambda: (nuclei(64, 64, 3, 1024) / 1024).astype(np.float32), _array, (GREY,)),
    "stack-ome": Case(lambda: _stack(3, 56, 64, 4, 1000), _ome_tiff, (GREY, FACE)),
    "stack-plane-by-plane": Case(
        lambda: _stack(2, 48, 64, 7, 900), _zarr, (GREY,), {"axes": "ZYX", "normalise": "plane"}
    ),
    "time-imagej": Case(lambda: _stack(4, 40, 48, 9, 1000).reshape(2, 2, 40, 48), _imagej, (GREY,)),
    "folder": Case(lambda: _stack(2, 48, 48, 13, 1000), _planes, (GREY,)),
    "tiles": Case(
        lambda: nuclei(200, 168, 15, 1000).astype(np.uint16), _tiff, (GREY, FACE), {"tile": 128}
    ),
    "colour": Case(lambda: _colour(72, 88, 16), _png, (COLOUR, GREY)),
    "colour-tiles": Case(lambda: _colour(168, 150, 19), _bmp, (COLOUR,), {"tile": 128}),
}
