"""Cuts images into planes or stacks, and writes these as files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dgno_core.io.atomic import writing
from dgno_core.io.axes import is_colour
from dgno_core.io.source import ImageSource

#: Of a single image or stack, this part (its upper rows) trains and the rest validates.
TRAINED_PART = 0.75


@dataclass(frozen=True)
class Written:
    """Some of the images have been written into the run's folder."""

    done: int
    total: int


@dataclass(frozen=True)
class Noted:
    """Something that the user should know about the images."""

    message: str


def is_coloured(source: ImageSource) -> bool:
    """Whether an image is in colour, as restoration sees it."""
    return is_colour(source.axes, source.shape, source.dtype)


@dataclass(frozen=True)
class Kind:
    """What the network has to expect.

    Parameters
    ----------
    colour : bool
        Whether the images are in colour.
    side : int
        Shortest side of a training image in pixels.
    """

    colour: bool
    side: int


def kind_of(source: ImageSource, part: float = 1.0) -> Kind:
    """Colour and size of an image of which so many of the upper rows train."""
    sizes = dict(zip(source.axes, source.shape, strict=True))
    return Kind(is_coloured(source), min(int(sizes["Y"] * part), sizes["X"]))


def gap(height: int) -> int:
    """Rows between the part that trains and the part that validates, wider than most blur."""
    return min(32, height // 16)


def _axes(source: ImageSource) -> str:
    """Axes in which colour is always S."""
    coloured = is_coloured(source)
    return source.axes[:-1] + "S" if coloured and source.axes.endswith("C") else source.axes


def _outer(source: ImageSource, keep: str) -> list[int]:
    kept = keep + ("S" if is_coloured(source) else "")
    return [axis for axis, letter in enumerate(_axes(source)) if letter not in kept]


def count_blocks(source: ImageSource, keep: str) -> int:
    """Number of images that `blocks` yields."""
    return int(np.prod([source.shape[axis] for axis in _outer(source, keep)], dtype=int))


def blocks(source: ImageSource, keep: str) -> Iterator[np.ndarray]:
    """Cut an image into planes or stacks.

    Parameters
    ----------
    source : ImageSource
        Any axes.
    keep : str
        Axes of each block, such as ``"ZYX"``; colours stay as a last axis of 3.

    Yields
    ------
    numpy.ndarray
        In the order of `keep`, colours last.
    """
    axes, outer = _axes(source), _outer(source, keep)
    kept = "".join(letter for axis, letter in enumerate(axes) if axis not in outer)
    order = [kept.index(letter) for letter in keep + "S" if letter in kept]
    for position in np.ndindex(*(source.shape[axis] for axis in outer)):
        index: list[Any] = [slice(None)] * len(axes)
        for axis, at in zip(outer, position, strict=True):
            index[axis] = at
        block = source.read(tuple(index)).transpose(order)
        if kept.endswith("S") and block.shape[-1] == 4:
            block = block[..., :3]
        yield np.ascontiguousarray(block)


def write_blocks(
    source: ImageSource, keep: str, folder: Path, *, halve: bool = False
) -> Iterator[Written]:
    """Write the planes or stacks of an image as TIFF files.

    Parameters
    ----------
    source : ImageSource
        Any axes.
    keep : str
        ``"YX"`` or ``"ZYX"``.
    folder : pathlib.Path
        Made if it does not exist.
    halve : bool
        Write a single plane in two parts: the lower one, which comes first and so validates, and
        the upper one, which trains.

    Yields
    ------
    Written

    Raises
    ------
    DGNOError
        If the disk is full, or the folder cannot be written.
    """
    total = count_blocks(source, keep)
    for number, block in enumerate(blocks(source, keep)):
        path = folder / file_name(source.name, number)
        write_parts(path, block, keep, halve=halve and total == 1)
        yield Written(number + 1, total)


def file_name(name: str, number: int) -> str:
    """Name of the file of an image's plane or stack, counted from 0."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40] or "image"
    return f"{plain}-{number + 1:04d}.tif"


def write_parts(path: Path, block: np.ndarray, axes: str, *, halve: bool) -> None:
    """Write one plane or stack; or its two parts, the lower one first in the order of names.

    Raises
    ------
    DGNOError
        If it cannot be written.
    """
    if not halve:
        write_tiff(path, block, axes)
        return
    cut = int(len(block) * TRAINED_PART)
    write_tiff(path.with_stem(f"{path.stem}-a"), block[cut + gap(len(block)) :], axes)
    write_tiff(path.with_stem(f"{path.stem}-b"), block[:cut], axes)


def write_tiff(path: Path, pixels: np.ndarray, axes: str) -> None:
    """Write an image so that its axes are known.

    Raises
    ------
    DGNOError
        If it cannot be written.
    """
    import tifffile

    colour = pixels.ndim > len(axes)
    if pixels.dtype == np.float64:
        pixels = pixels.astype(np.float32)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(
            path,
            pixels,
            photometric="rgb" if colour else "minisblack",
            metadata={"axes": axes + "S" * colour},
        )


def write_list(folder: Path, names: Sequence[str]) -> None:
    """Write the list of sharp images.

    Raises
    ------
    DGNOError
        If it cannot be written.
    """
    path = folder / "data" / "list.txt"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(names) + "\n", encoding="utf-8")
