"""Opening an image of any supported kind."""

from __future__ import annotations

from pathlib import Path

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import recover
from dgno_core.io.folder import TIFFS, read_folder
from dgno_core.io.ome_zarr import is_zarr, read_zarr
from dgno_core.io.pictures import PICTURES, read_picture
from dgno_core.io.series import check_series
from dgno_core.io.source import ImageSource
from dgno_core.io.tiff import read_tiff


def read_image(path: str | Path, axes: str | None = None, *, series: int = 0) -> ImageSource:
    """Open an image: TIFF, OME-TIFF, zarr, OME-Zarr, PNG, JPEG, BMP, or a folder of planes.

    TIFF, zarr and folders are opened lazily: their planes are read when they are needed.

    Parameters
    ----------
    path
        The file or folder.
    axes
        One letter of ``TPCZYXS`` for each dimension, in place of what the file says.
    series
        Which image of a file that holds several, counted from 0.

    Raises
    ------
    DGNOError
        If there is no such file, it is of another kind, damaged or cut off, holds no such
        image, or the axes do not fit.
    """
    path = Path(path)
    if not path.exists():
        recover(path)  # it may have been on its way to be replaced
    if not path.exists():
        raise DGNOError(f"{path} does not exist; check the name.")
    if path.is_dir() and is_zarr(path):
        return read_zarr(path, axes, series)
    if path.is_dir():
        check_series(path, series, 1)
        return read_folder(path, axes)
    suffix = path.suffix.lower()
    if path.stat().st_size == 0:
        raise DGNOError(f"{path} is an empty file; copy it again.")
    if suffix in TIFFS:
        return read_tiff(path, axes, series)
    if suffix in PICTURES:
        check_series(path, series, 1)
        return read_picture(path, axes)
    raise DGNOError(
        f"{path} is of a kind that is not read ({suffix or 'no suffix'}); save it as OME-TIFF, "
        "TIFF, OME-Zarr, PNG, JPEG or BMP."
    )
