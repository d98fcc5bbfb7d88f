"""Where restored planes go: memory, or a file that appears when it is complete."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import recover
from dgno_core.io.axes import Index
from dgno_core.io.provenance import beside
from dgno_core.io.source import ImageSource
from dgno_core.io.targets import is_foreign_folder, is_foreign_record

if TYPE_CHECKING:
    from dgno_core.io.file_sinks import FileSink


class ImageSink(Protocol):
    """Takes planes in any order, and again where one is written twice."""

    @property
    def axes(self) -> str | None:
        """Letters of the axes in the result; None if they are the image's own."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the image the result cannot hold, in sentences."""

    @property
    def result(self) -> NDArray[Any] | Path:
        """The array, or the path of the file."""

    def write(self, index: Index, block: NDArray[Any]) -> None:
        """Write one plane at its place in the image."""

    def close(self) -> None:
        """Make the image final: a file appears under its name."""

    def abort(self) -> None:
        """Remove the partial output after cancel or error."""


class ArraySink:
    """Keeps the image in memory, as `array`."""

    axes: str | None = None
    warnings: tuple[str, ...] = ()

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._shape, self._dtype = shape, dtype
        self._array: NDArray[Any] | None = None

    @property
    def array(self) -> NDArray[Any]:
        """The image; zeros where nothing has been written."""
        if self._array is None:
            self._array = np.zeros(self._shape, self._dtype)
        return self._array

    @property
    def result(self) -> NDArray[Any]:
        """The image."""
        return self.array

    def write(self, index: Index, block: NDArray[Any]) -> None:
        """Write one plane."""
        self.array[index] = block

    def close(self) -> None:
        """Nothing is left to do."""

    def abort(self) -> None:
        """Let go of the memory."""
        self._array = None


def open_sink(
    path: str | Path,
    source: ImageSource,
    dtype: DTypeLike,
    *,
    overwrite: bool = False,
    makes_folder: bool = False,
) -> FileSink:
    """Prepare a file for the result: OME-TIFF, OME-Zarr or, for one plane, PNG.

    Nothing is created before the first plane is written.

    Parameters
    ----------
    path
        Where to write; ``.tif`` or ``.tiff``, ``.zarr``, ``.png``.
    source
        The image that is restored: it gives shape, axes and pixel size.
    dtype
        Type of the pixels to be written.
    overwrite
        Whether an existing result may be replaced.
    makes_folder
        Whether the caller makes the folder before the first plane is written.

    Raises
    ------
    DGNOError
        If the path exists, is (a part of) the input, is of another kind, or its folder is
        missing; or if the image does not fit the format.
    """
    from dgno_core.io.file_sinks import PngSink, TiffSink, ZarrSink

    path = Path(path)
    kinds: dict[str, type[FileSink]] = {
        ".tif": TiffSink, ".tiff": TiffSink, ".zarr": ZarrSink, ".png": PngSink,
    }  # fmt: skip
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise DGNOError(f"{path} cannot be written: end its name in .tif, .zarr or .png.")
    recover(path)
    check_target(path, source, overwrite=overwrite, makes_folder=makes_folder)
    return kind(path, source, np.dtype(dtype))


def check_target(
    path: Path, source: ImageSource, *, overwrite: bool = False, makes_folder: bool = False
) -> None:
    """Check that writing `path` can harm nothing.

    Raises
    ------
    DGNOError
        See `open_sink`.
    """
    for used in filter(None, (source.path, *source.files)):
        inside = used.is_dir() and _lies_in(path, used)
        if _is_same(path, used) or inside or _lies_in(used, path):
            raise DGNOError(
                f"{path} would overwrite the input {used} or a part of it; choose another output."
            )
    if is_foreign_folder(path):
        raise DGNOError(f"{path} is a folder that is no zarr image; choose another name.")
    if path.exists() and not overwrite:
        raise DGNOError(f"{path} exists already; choose another name or allow overwriting.")
    if is_foreign_record(path) and (not overwrite or beside(path).is_dir()):
        raise DGNOError(
            f"{beside(path)} exists already, where the record of {path.name} would go; "
            "choose another name or allow overwriting."
        )
    if not path.parent.is_dir():
        if makes_folder:
            return
        raise DGNOError(f"{path} cannot be written: the folder {path.parent} does not exist.")
    if not os.access(path.parent, os.W_OK):
        raise DGNOError(
            f"{path} cannot be written: you may not write in the folder {path.parent}; choose "
            "another place."
        )


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return one.resolve() == other.resolve()


def _lies_in(inner: Path, outer: Path) -> bool:
    return outer.resolve() in inner.resolve().parents
