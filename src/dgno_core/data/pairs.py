"""What training on real defocus is made of: pairs of a blurred and a sharp image of one place.

A pair does not hold pixels but says where they are, so that thousands of pairs cost nothing until
they are read. Anything with a `name` and a `read()` can stand for an image: a file or a plane of a
stack (`ImageRef`), an array such as a napari layer (`ArrayRef`), or an image that is computed from
another one when it is read (see `dgno_core.data.registration`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.io.read import read_image
from dgno_core.io.source import DTYPES, ImageSource

Half = Literal["top", "bottom", "left", "right"]


class Readable(Protocol):
    """An image that can be read, again and again, with the same result."""

    @property
    def name(self) -> str:
        """What errors and pictures call it."""

    def read(self) -> NDArray[Any]:
        """Return ``(Y, X)`` or ``(Y, X, 3)`` in its own type, or raise a `DGNOError`."""


@dataclass(frozen=True)
class ImageRef:
    """An image in a file, or one plane of a stack.

    Attributes
    ----------
    path
        A file of any kind that `read_image` opens, or a folder of planes.
    plane
        Index along z of a stack; None for a file of a single plane.
    channel, time, position
        Index along the channels, times or fields of view of a file that has several.
    axes
        One letter of ``TPCZYXS`` for each dimension of the file, in place of what it says.
    """

    path: Path
    plane: int | None = None
    channel: int | None = None
    time: int | None = None
    position: int | None = None
    axes: str | None = None

    @property
    def name(self) -> str:
        """File name, with the plane, channel and so on if they are given."""
        places = [
            ("z", self.plane),
            ("channel", self.channel),
            ("time", self.time),
            ("position", self.position),
        ]
        return ", ".join([self.path.name, *(f"{a} {at}" for a, at in places if at is not None)])

    def read(self) -> NDArray[Any]:
        """Read the pixels: ``(Y, X)``, or ``(Y, X, 3)`` in colour, in the type of the file.

        An opacity is left out.

        Raises
        ------
        DGNOError
            If the file is missing, damaged, has other planes, or holds no finite intensities.
        """
        if is_png16(self.path):
            return read_png16(self.path)
        source = read_image(self.path, self.axes)
        layout = source.layout(colour_model=True)
        block = source.read(layout.index(self._position(source, layout.outer, layout.outer_shape)))
        samples = layout.alone().split(block)[: layout.colours]
        if samples.shape[0] not in (1, 3):
            raise DGNOError(
                f"{self.path} has {samples.shape[0]} samples a pixel; save it as grey or as RGB."
            )
        pixels = samples[0] if samples.shape[0] == 1 else np.moveaxis(samples, 0, -1)
        return _checked(np.ascontiguousarray(pixels), str(self.path))

    def _position(self, source: ImageSource, outer: str, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Place of the plane along the axes that count planes."""
        wanted = {"Z": self.plane, "C": self.channel, "T": self.time, "P": self.position}
        position = []
        for letter, size in zip(outer, sizes, strict=True):
            at = wanted.get(letter)
            if at is None and size > 1:
                raise DGNOError(
                    f"{self.path} holds {size} planes along {letter} (axes {source.axes}, shape "
                    f"{source.shape}), and one image is needed; say which plane is meant."
                )
            if not 0 <= (at or 0) < size:
                raise DGNOError(f"{self.path} has {size} planes along {letter}, but no {at}.")
            position.append(at or 0)
        for letter, at in wanted.items():
            if at and letter not in outer:
                raise DGNOError(
                    f"{self.path} has one plane along {letter} (axes {source.axes}), but no {at}."
                )
        return tuple(position)


@dataclass(frozen=True, eq=False)
class ArrayRef:
    """An image in memory, for example a napari layer or a plane of it.

    Attributes
    ----------
    array
        ``(Y, X)`` or ``(Y, X, 3)``; a lazy array is computed when it is read.
    name
        What errors call it.
    """

    array: Any
    name: str = "image"

    def read(self) -> NDArray[Any]:
        """Return the pixels.

        Raises
        ------
        DGNOError
            If it is no image of finite intensities.
        """
        try:
            pixels = np.asarray(self.array)
        except Exception as error:  # a lazy array may read from anything
            raise DGNOError(f"{self.name} cannot be read ({error}).") from error
        if pixels.ndim == 3 and pixels.shape[-1] == 4:
            pixels = pixels[..., :3]
        if pixels.ndim != 2 and (pixels.ndim != 3 or pixels.shape[-1] != 3):
            raise DGNOError(
                f"{self.name} has shape {pixels.shape}; expected one grey plane (Y, X) or one "
                "colour plane (Y, X, 3)."
            )
        return _checked(pixels, self.name)


@dataclass(frozen=True)
class Region:
    """Rows and columns of an image, from the first to before the last; None is the border."""

    top: int = 0
    bottom: int | None = None
    left: int = 0
    right: int | None = None

    @property
    def index(self) -> tuple[slice, slice]:
        """Index of the region into ``(Y, X)`` or ``(Y, X, 3)``."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def __and__(self, other: Region) -> Region:
        """What both regions have in common."""
        return Region(
            max(self.top, other.top),
            _first(self.bottom, other.bottom),
            max(self.left, other.left),
            _first(self.right, other.right),
        )

    def area(self, shape: Sequence[int]) -> int:
        """Pixels of the region within an image of that shape."""
        y, x = (len(range(*s.indices(n))) for s, n in zip(self.index, shape, strict=False))
        return y * x


@dataclass(frozen=True)
class FocusPair:
    """A blurred and a sharp image of the same place.

    Attributes
    ----------
    name
        What errors, logs and pictures call it.
    blurred
        The input of the network.
    sharp
        Its target, of the same shape; None for extra images that nobody has labelled.
    split
        What it is for: ``"train"``, ``"val"`` or ``"test"``.
    region
        The part that counts, for example one half of the stack; None for all of it.
    stack
        All planes, as recorded, of the stack that the blurred image comes from. They have one range
        of intensities together, as when the stack is restored. None: the image by itself.
    """

    name: str
    blurred: Readable
    sharp: Readable | None
    split: str = "train"
    region: Region | None = None
    stack: tuple[Readable, ...] | None = None

    def read(
        self, reader: Callable[[Readable], NDArray[Any]] | None = None
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Read both images, cut to the region.

        Parameters
        ----------
        reader
            Reads an image, for example from a cache; None calls its `read`.

        Raises
        ------
        DGNOError
            If one cannot be read, they are of unequal size or colour, or the region is empty.
        """
        blurred = reader(self.blurred) if reader else self.blurred.read()
        sharp = None
        if self.sharp is not None:
            sharp = reader(self.sharp) if reader else self.sharp.read()
        if sharp is not None and sharp.shape != blurred.shape:
            raise DGNOError(
                f"Pair {self.name}: {self.blurred.name} is {_size(blurred)} and "
                f"{self._sharp_name} is {_size(sharp)}; both images of a pair must have one size "
                "(register them first if they come from a stack whose magnification changes)."
            )
        if self.region is not None:
            whole, blurred = blurred, blurred[self.region.index]
            sharp = None if sharp is None else sharp[self.region.index]
            if 0 in blurred.shape:
                raise DGNOError(
                    f"Pair {self.name}: nothing of its {_size(whole)} lies in the region "
                    f"{self.region}."
                )
        return blurred, sharp

    @property
    def _sharp_name(self) -> str:
        return "" if self.sharp is None else self.sharp.name


def restrict(
    pairs: Sequence[FocusPair], region: Region, split: str | None = None
) -> list[FocusPair]:
    """Pairs cut to a region, on top of the one they have, perhaps for another purpose.

    Parameters
    ----------
    pairs
        Of one stack, whose images have one size.
    region
        The part to keep, in pixels of the whole images.
    split
        The new purpose; None keeps the old one.
    """
    return [
        replace(pair, region=region & (pair.region or Region()), split=split or pair.split)
        for pair in pairs
    ]


def half(shape: Sequence[int], which: Half, gap: int = 0) -> Region:
    """One half of an image, for training on one and testing on the other.

    Parameters
    ----------
    shape
        ``(Y, X, ...)``.
    which
        ``"top"``, ``"bottom"``, ``"left"`` or ``"right"``.
    gap
        Pixels left out between the halves, shared by both, so that no test pixel lies within the
        blur of a training pixel.
    """
    height, width = shape[0], shape[1]
    before, after = gap // 2, gap - gap // 2
    return {
        "top": Region(bottom=height // 2 - before),
        "bottom": Region(top=height // 2 + after),
        "left": Region(right=width // 2 - before),
        "right": Region(left=width // 2 + after),
    }[which]


def _first(one: int | None, other: int | None) -> int | None:
    """The smaller of two ends, of which None is the last."""
    ends = [end for end in (one, other) if end is not None]
    return min(ends) if ends else None


def _checked(pixels: NDArray[Any], name: str) -> NDArray[Any]:
    """The pixels, if they are intensities with which one can train."""
    if pixels.dtype.newbyteorder("=") not in DTYPES:
        raise DGNOError(f"{name} has pixels of type {pixels.dtype}, not intensities.")
    if pixels.size == 0:
        raise DGNOError(f"{name} is empty: its shape is {pixels.shape}.")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise DGNOError(f"{name} holds pixels that are NaN or infinite; replace them first.")
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _size(pixels: NDArray[Any]) -> str:
    colour = " in colour" if pixels.ndim == 3 else ""
    return f"{pixels.shape[0]} x {pixels.shape[1]} pixels{colour}"


SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = (2, 6)  # RGB and RGBA


def is_png16(path: Path) -> bool:
    """Whether a file is a PNG in colour with 16 bits a channel, from its first bytes."""
    if path.suffix.lower() != ".png":
        return False
    try:
        with path.open("rb") as file:
            head = file.read(26)
    except OSError:
        return False
    return head.startswith(SIGNATURE) and len(head) == 26 and head[24] == 16 and head[25] in COLOURS


def read_png16(path: Path) -> NDArray[Any]:
    """Read it as ``(Y, X, 3)``, uint16; an opacity is left out.

    Raises
    ------
    DGNOError
        If it is damaged or was cut off.
    """
    from imagecodecs import png_decode

    try:
        pixels = np.asarray(png_decode(path.read_bytes()))
    except Exception as error:  # the decoder raises errors of its own
        raise DGNOError(
            f"{path} cannot be read as a picture ({error}); it is damaged or was cut off."
        ) from error
    return np.ascontiguousarray(pixels[..., :3])
