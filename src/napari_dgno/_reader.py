"""Opens a folder of planes as one stack, and a restored image together with its provenance."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dgno.shared.layers import RESULT_KEY

if TYPE_CHECKING:
    from dgno_core.io import ImageSource

LayerTuple = tuple[Any, dict[str, Any], str]
Reader = Callable[[Any], list[LayerTuple]]

_PLANE_ENDINGS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp")
#: Bytes; no record of a restoration is nearly as long.
_LARGEST_RECORD = 1_000_000
#: BBBC006 comes as one folder a plane, ``BBBC006_v1_images_z_00`` and so on.
_PLANE_FOLDER = re.compile(r"_z_\d+$")
#: A folder is looked at no further than this many entries before it is accepted or declined.
_MOST_ENTRIES = 2000


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return a reader if `path` is a folder of planes or one of our results, else None.

    Only names and the record are looked at, so that other readers are not held up.

    Parameters
    ----------
    path : str or sequence of str
        What the user opens; several paths at once are left to other readers.
    """
    if not isinstance(path, str | os.PathLike):
        return None
    place = Path(path)
    if place.exists() and _has_record(place):
        return read_result
    return read_folder if place.is_dir() and _holds_planes(place) else None


def read_folder(path: str) -> list[LayerTuple]:
    """Read a folder of single-plane files as one z-stack, plane by plane when they are shown.

    Raises
    ------
    DGNOError
        If the files are not planes of one stack.
    """
    from napari.utils.notifications import show_warning

    from dgno_core.io import read_image

    source = read_image(Path(path))
    for warning in source.warnings:
        show_warning(warning)
    return [_layer_tuple(source)]


def read_result(path: str) -> list[LayerTuple]:
    """Read an image written by this plugin or by `dgno restore`, with how it was made.

    The provenance is in the layer's ``metadata["dgno"]``.
    """
    from dgno_core.io import read_beside, read_image

    record = read_beside(Path(path))
    layer = _layer_tuple(read_image(Path(path)))
    if record is not None:
        layer[1]["metadata"][RESULT_KEY] = record.model_dump(mode="json")
    return [layer]


def _has_record(path: Path) -> bool:
    """Whether a file or folder has a record of ours beside it, not just any ``.json``."""
    from dgno_core.errors import DGNOError
    from dgno_core.io.provenance import beside, read_beside

    record = beside(path)
    if not record.is_file() or record.stat().st_size > _LARGEST_RECORD:
        return False
    try:
        return read_beside(path) is not None
    except (DGNOError, OSError):
        return False


def _holds_planes(folder: Path) -> bool:
    """Whether a folder has at least two pictures or planes' folders, and no zarr metadata."""
    pictures = folders = 0
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries):
            if entry.name in (".zarray", ".zgroup", ".zattrs", "zarr.json"):
                return False
            pictures += entry.name.lower().endswith(_PLANE_ENDINGS)
            folders += _PLANE_FOLDER.search(entry.name) is not None and entry.is_dir()
            if count > _MOST_ENTRIES:
                break
    return pictures >= 2 or (pictures == 0 and folders >= 2)


def _layer_tuple(source: ImageSource) -> LayerTuple:
    """Describe an image the way napari takes it from a reader."""
    axes = source.axes.replace("S", "")
    origin = source.metadata.origin
    keywords: dict[str, Any] = {
        "name": source.name,
        "rgb": source.axes.endswith("S"),
        "axis_labels": tuple(axes.lower()),
        "scale": tuple(source.pixel_size.get(letter, 1.0) for letter in axes),
        "translate": tuple(origin.get(letter, 0.0) for letter in axes),
        "units": tuple(source.units.get(letter, "pixel") for letter in axes),
        "metadata": {},
    }
    return source.data, keywords, "image"
