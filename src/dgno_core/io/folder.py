"""Reading a folder of single-plane files as one stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.io.axes import check_axes
from dgno_core.io.metadata import NOTHING, ImageMetadata
from dgno_core.io.names import Field, natural_key, parse_fields
from dgno_core.io.pictures import PICTURES, lost_opacity, read_header, read_pixels
from dgno_core.io.source import ImageSource
from dgno_core.io.tiff import read_tiff, read_tiff_header

TIFFS = (".tif", ".tiff")
SHOWN = 4  # kinds of files that are told


def read_folder(path: Path, axes: str | None = None) -> ImageSource:
    """Open a folder of planes as one stack, sorted naturally (``2`` before ``10``).

    BBBC006 names give a z-stack for each field and channel (axes P, C, Z where there are
    several), also from the folder that holds its ``..._z_00`` to ``..._z_33`` folders.
    Files that are no images are left aside. Planes are read when they are needed.

    Raises
    ------
    DGNOError
        If there are no planes, their sizes or types differ, a file holds several planes, or a
        plane of a BBBC006 field is missing.
    """
    files = plane_files(path)
    if not files:
        raise DGNOError(no_images(path))
    first = _Header.of(files[0])
    for file in files[1:]:
        header = _Header.of(file)
        if header.shape[:2] != first.shape[:2]:
            raise DGNOError(
                f"The planes of a stack must have one size, but {files[0].name} is "
                f"{first.size} and {file.name} is {header.size} pixels (in {path}, of {len(files)} "
                "images); give images that are no stack one by one, or keep those of one size."
            )
        if header != first:
            raise DGNOError(
                f"The planes of a stack must be of one type, but {files[0].name} is "
                f"{first.kind} and {file.name} is {header.kind} (in {path}, of {len(files)} "
                "images); give images that are no stack one by one, or keep those of one type."
            )
    grid, letters = arrange(files, path)
    data = _stack(grid, first)
    letters += "YXS"[: len(first.shape)]
    is_tiff = files[0].suffix.lower() in TIFFS
    sample = read_tiff(files[0]) if is_tiff else None
    return ImageSource(
        data,
        check_axes(axes or letters, data.shape, path.name),
        {k: v for k, v in sample.pixel_size.items() if k in "YX"} if sample else {},
        {k: v for k, v in sample.units.items() if k in "YX"} if sample else {},
        path.name,
        path,
        warnings=() if is_tiff else lost_opacity(files[0]),
        metadata=ImageMetadata(
            others=() if sample is None or sample.metadata == NOTHING else ("metadata of planes",)
        ),
    )


def no_images(path: Path) -> str:
    """Say of a folder without images what is in it, and what is expected."""
    entries = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    files = [entry for entry in entries if entry.is_file()]
    kinds = sorted({file.suffix.lower() or "no suffix" for file in files})
    if not entries:
        found = "is an empty folder"
    elif files:
        more = ", ..." if len(kinds) > SHOWN else ""
        count = f"{len(files)} file{'s' * (len(files) > 1)}"
        found = f"holds {count} ({', '.join(kinds[:SHOWN])}{more}) and no image"
    else:
        found = f"holds {len(entries)} folder{'s' * (len(entries) > 1)} and no image of its own"
    return f"{path} {found}; expected are TIFF, PNG, JPEG or BMP files, or a zarr image."


def plane_files(path: Path) -> list[Path]:
    """List the image files of a folder in natural order.

    A folder without images of its own gives those of its sub-folders, if these are the planes
    of one stack (``..._z_00``, ``..._z_01`` ...).
    """
    files = _images(path)
    if not files:
        folders = sorted(
            (p for p in path.iterdir() if p.is_dir()), key=lambda p: natural_key(p.name)
        )
        nested = [_images(folder) for folder in folders]
        inner = [file for group in nested for file in group]
        if parse_fields(inner) is not None or all(len(group) == 1 for group in nested if group):
            files = inner
    return files


def arrange(files: Sequence[Path], path: Path) -> tuple[NDArray[Any], str]:
    """Arrange planes in a grid of files, and name its axes.

    Raises
    ------
    DGNOError
        If some BBBC006 fields have a plane that others lack.
    """
    fields = parse_fields(files)
    if fields is None:
        return _grid(files, (len(files),)), "Z"
    places = sorted({(field.well, field.site) for field in fields})
    channels = sorted({field.channel for field in fields})
    depths = sorted({field.z for field in fields})
    wanted = [Field(*place, w, z) for place in places for w in channels for z in depths]
    if missing := [field for field in wanted if field not in fields]:
        if len({(f.well, f.site, f.channel) for f in fields}) == len(files):
            # No field has two planes: this is a collection, not a stack.
            return _grid(files, (len(files),)), "P"
        lost = missing[0]
        raise DGNOError(
            f"{path}: the plane z = {lost.z} of well {lost.well}, site {lost.site}, "
            f"channel w{lost.channel} is missing; complete the stack or open its fields one by one."
        )
    grid = _grid([fields[field] for field in wanted], (len(places), len(channels), len(depths)))
    kept = [i for i, size in enumerate(grid.shape) if size > 1] or [2]
    return grid.reshape([grid.shape[i] for i in kept]), "".join("PCZ"[i] for i in kept)


class _Header:
    """Shape and type of a plane, read without its pixels where the format allows."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype

    @classmethod
    def of(cls, file: Path) -> _Header:
        if file.suffix.lower() not in TIFFS:
            return cls(*read_header(file))
        shape, dtype, axes = read_tiff_header(file)
        if axes not in ("YX", "YXS"):
            raise DGNOError(
                f"{file} holds several planes (axes {axes}); open it by itself, or keep "
                "only files of one plane in the folder."
            )
        return cls(shape, dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Header) and (self.shape, self.dtype) == (other.shape, other.dtype)

    __hash__ = None  # type: ignore[assignment]

    @property
    def size(self) -> str:
        return f"{self.shape[0]} x {self.shape[1]}"

    @property
    def kind(self) -> str:
        return f"{self.dtype} in {'colour' if len(self.shape) > 2 else 'grey'}"


def read_plane(file: Path, header: _Header) -> NDArray[Any]:
    """Read the one plane of a file, which its header promised."""
    if file.suffix.lower() in TIFFS:
        source = read_tiff(file)
        pixels = source.read((slice(None),) * len(source.shape))
    else:
        pixels = read_pixels(file)
    if _Header(pixels.shape, pixels.dtype) != header:
        raise DGNOError(f"{file} has changed since the folder was opened; open it again.")
    return pixels


def _images(path: Path) -> list[Path]:
    known = (*TIFFS, *PICTURES)
    files = [
        file
        for file in path.iterdir()
        if file.is_file() and file.suffix.lower() in known and not file.name.startswith(".")
    ]
    return sorted(files, key=lambda file: natural_key(file.stem))


def _grid(files: Sequence[Path], shape: tuple[int, ...]) -> NDArray[Any]:
    grid = np.empty(len(files), dtype=object)
    grid[:] = files
    return grid.reshape(shape)


def _stack(grid: NDArray[Any], header: _Header) -> Any:
    """Return the lazy array of the planes in `grid`, one chunk for each file."""
    import dask.array as da
    from dask.delayed import delayed

    reader: Callable[[Path, _Header], Any] = delayed(read_plane, pure=True)
    planes = [
        da.from_delayed(reader(file, header), header.shape, dtype=header.dtype)
        for file in grid.ravel()
    ]
    return da.stack(planes).reshape((*grid.shape, *header.shape))
