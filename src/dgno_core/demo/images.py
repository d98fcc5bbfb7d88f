"""Real microscope images that installed packages already carry: nothing is downloaded.

Stained tissue ships with scikit-image. A fluorescence image comes with StarDist and with napari;
where neither is installed, the haematoxylin in the tissue, separated from the other dye, stands
in: bright nuclei on a dark ground.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 384  # px at most, so that two CPU cores need seconds


@dataclass(frozen=True)
class RealImage:
    """A sharp image and where it is from.

    Parameters
    ----------
    name
        Short name, used for files.
    title
        What it shows.
    source
        Who made it and which package carries it.
    sharp
        ``(Y, X)`` uint16 or ``(Y, X, 3)`` uint8.
    """

    name: str
    title: str
    source: str
    sharp: NDArray[Any]


def builtin_images() -> list[RealImage]:
    """Return stained tissue in colour and one grey image of nuclei, the best that is there."""
    nuclei = stardist_nuclei() or napari_nuclei() or tissue_nuclei()
    return [stained_tissue(), nuclei]


def stained_tissue() -> RealImage:
    """Colonic glands, FHL2 in brown and nuclei in blue."""
    return RealImage(
        "tissue",
        "stained tissue, colonic glands",
        "scikit-image: immunohistochemistry (CMMI)",
        np.ascontiguousarray(_tissue()[-SIDE:, -SIDE:]),
    )


def stardist_nuclei() -> RealImage | None:
    """Fluorescent nuclei from StarDist's package; None where it is not installed."""
    path = _file_of("stardist", "data/images/img2d.tif")
    if path is None:
        return None
    from tifffile import imread

    pixels = np.asarray(imread(path))[:SIDE, :SIDE]
    return RealImage(
        "nuclei", "nuclei, fluorescence", "StarDist: test image (DSB 2018, CC0)", _to_uint16(pixels)
    )


def napari_nuclei() -> RealImage | None:
    """Fluorescent nuclei from a picture in napari's package; None where it is not there.

    The picture shows napari's window with scikit-image's `cells3d` (Allen Institute for Cell
    Science) in it: nuclei in green, membranes in magenta, which has no green. So the green in the
    canvas is the nuclei alone, enlarged from 256 x 256 pixels; it is averaged back to them.
    """
    path = _file_of("napari", "resources/multichannel_cells.png")
    if path is None:
        return None
    from skimage.io import imread
    from skimage.transform import resize

    picture = np.asarray(imread(path))
    if picture.shape[:2] != (975, 1350):
        return None  # another picture than the one described above
    canvas = picture[78:910, 482:1313, 1].astype(np.float64)
    native = resize(canvas, (256, 256), order=1, anti_aliasing=True)  # type: ignore[no-untyped-call]
    return RealImage(
        "nuclei",
        "nuclei, fluorescence",
        "napari: picture of cells3d (Allen Institute for Cell Science)",
        _to_uint16(native),
    )


def tissue_nuclei() -> RealImage:
    """Haematoxylin density of the stained tissue, by colour unmixing."""
    from skimage.color import rgb2hed

    density = rgb2hed(_tissue()[-SIDE:, -SIDE:])[..., 0]
    return RealImage(
        "nuclei",
        "tissue nuclei, beyond the grey model",
        "scikit-image: immunohistochemistry (CMMI)",
        _to_uint16(np.clip(density, *np.percentile(density, (0.1, 99.9)))),
    )


def _tissue() -> NDArray[np.uint8]:
    from skimage.data import immunohistochemistry

    return np.asarray(immunohistochemistry())  # type: ignore[no-untyped-call]


def _file_of(package: str, inside: str) -> Path | None:
    """Find a file of an installed package without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / inside
    return path if path.is_file() else None


def _to_uint16(image: NDArray[Any]) -> NDArray[np.uint16]:
    """Spread an image over the values of a 12-bit camera with a dark level of 100."""
    values = image.astype(np.float64)
    spread = (values - values.min()) / np.ptp(values)
    return np.asarray(np.rint(100 + 3900 * spread), dtype=np.uint16)
