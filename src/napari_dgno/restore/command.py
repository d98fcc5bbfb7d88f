"""The `dgno restore` line that repeats what the panel does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dgno_core.inference import RestoreConfig
    from dgno_core.io import ImageSource

_TIFF_ENDINGS = (".ome.tiff", ".ome.tif", ".tiff", ".tif")
_ZARR_ENDINGS = (".ome.zarr", ".zarr")


def output_path(path: Path) -> Path:
    """Name a result beside its source: ``cells.tif`` becomes ``cells-restored.tif``.

    TIFF and zarr keep their kind; everything else (PNG, a folder of planes) becomes a TIFF.
    """
    name = path.name
    for ending in (*_TIFF_ENDINGS, *_ZARR_ENDINGS):
        if name.lower().endswith(ending):
            stem, kept = name[: -len(ending)], name[-len(ending) :]
            return path.with_name(f"{stem}-restored{kept}")
    return path.with_name(f"{path.name if path.is_dir() else path.stem}-restored.tif")


def _same_image(source: ImageSource) -> bool:
    """Whether the file behind a layer holds what the layer shows (size and number type)."""
    from dgno_core.errors import DGNOError
    from dgno_core.io import read_image

    if source.path is None:
        return False
    try:
        stored = read_image(source.path, source.axes)
    except (DGNOError, OSError, ValueError):
        return False
    same_shape = tuple(stored.data.shape) == tuple(source.data.shape)
    return same_shape and stored.data.dtype == source.data.dtype


def command_text(source: ImageSource, config: RestoreConfig) -> str:
    """Return the shell line; below a comment if the image has to be saved first.

    Parameters
    ----------
    source : ImageSource
        The layer as an image; its `path` is the file it was opened from.
    config : RestoreConfig
        The panel's settings.
    """
    if source.path is not None and _same_image(source):
        return config.command([source.path], output_path(source.path))
    path = Path(f"{_file_stem(source.name)}.tif")
    reason = (
        "is not a file yet"
        if source.path is None
        else f"is not the whole file {source.path.name}, or was changed"
    )
    comment = f"# The layer {source.name!r} {reason}: save it first as {path}"
    return f"{comment}\n{config.command([path], output_path(path))}"


def _file_stem(name: str) -> str:
    """Make a layer name into a file name that every system accepts."""
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    while "--" in kept:
        kept = kept.replace("--", "-")
    return kept.strip("-.") or "image"
