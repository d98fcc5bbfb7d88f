"""Axes algebra: what the letters of an image mean, and how it falls into planes.

An image has one letter of ``TPCZYXS`` for each of its dimensions, in any order, Y and X among
them: time, position, channel, depth, row, column, and sample (the colours of one pixel).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dgno_core.errors import DGNOError

AXES = "TPCZYXS"
Index = tuple[int | slice, ...]


def check_axes(axes: str, shape: Sequence[int], name: str = "image") -> str:
    """Return `axes` in capitals if they fit an image of `shape`.

    Raises
    ------
    DGNOError
        If a letter is unknown or doubled, Y or X is missing, or the number of letters is not
        the number of dimensions.
    """
    letters = axes.upper()
    if len(letters) != len(shape):
        raise DGNOError(
            f"{name} has {len(shape)} dimensions {tuple(shape)} but the axes {letters!r} name "
            f"{len(letters)}; give one letter of {AXES} for each dimension."
        )
    if unknown := sorted(set(letters) - set(AXES)):
        raise DGNOError(
            f"{name}: the axes {letters!r} hold {', '.join(unknown)}; use only letters of {AXES}."
        )
    if len(set(letters)) != len(letters) or not {"Y", "X"} <= set(letters):
        raise DGNOError(
            f"{name}: the axes {letters!r} must name Y and X, and no letter more than once."
        )
    return letters


def exchanged_axes(axes: str) -> str | None:
    """Say so if columns come before rows, which is seldom meant; None if not.

    Parameters
    ----------
    axes
        One letter for each dimension, in any case; one that is still being typed may be incomplete.
    """
    letters = axes.upper()
    if not 0 <= letters.find("X") < letters.find("Y"):
        return None
    usual = letters.translate(str.maketrans("XY", "YX"))
    return (
        f"axes {letters}: X before Y, so rows and columns are exchanged; is that meant? "
        f"{usual} is usual."
    )


def guess_axes(shape: Sequence[int], dtype: DTypeLike) -> str:
    """Guess the axes of a bare array: ``YX``, ``ZYX``, ``TZYX``, ``TCZYX``, ``TPCZYX``.

    A last axis of 3 or 4 in uint8 is taken for colour (``S``) and the rest guessed without it.

    Raises
    ------
    DGNOError
        If there are fewer than two or more than six dimensions besides the colour.
    """
    if len(shape) > 2 and shape[-1] in (3, 4) and np.dtype(dtype) == np.uint8:
        return guess_axes(shape[:-1], dtype) + "S"
    guesses = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX", 6: "TPCZYX"}
    if len(shape) not in guesses:
        raise DGNOError(
            f"The axes of an array of shape {tuple(shape)} cannot be guessed; it must have "
            "between two and six dimensions, or axes must be given."
        )
    return guesses[len(shape)]


def is_colour(axes: str, shape: Sequence[int], dtype: DTypeLike) -> bool:
    """Tell whether an image is a colour image: 8-bit, with S of 3 or 4, or a last C of 3."""
    if np.dtype(dtype) != np.uint8:
        return False
    if "S" in axes:
        return shape[axes.index("S")] in (3, 4)
    return axes.endswith("C") and shape[-1] == 3


@dataclass(frozen=True)
class PlaneLayout:
    """How an image falls into planes: the two-dimensional pictures that are read one by one.

    Attributes
    ----------
    axes, shape
        Of the whole image.
    inner
        The letters within a plane, in the order of `axes`: Y, X, and perhaps the colours.
    colours
        Number of intensity samples of a pixel of the plane.
    alpha
        Whether one more sample, the last, is an opacity, which is no intensity.
    """

    axes: str
    shape: tuple[int, ...]
    inner: str
    colours: int
    alpha: bool

    @property
    def height(self) -> int:
        """Rows of a plane."""
        return self.shape[self.axes.index("Y")]

    @property
    def width(self) -> int:
        """Columns of a plane."""
        return self.shape[self.axes.index("X")]

    @property
    def outer(self) -> str:
        """The letters that count the planes."""
        return "".join(letter for letter in self.axes if letter not in self.inner)

    @property
    def outer_shape(self) -> tuple[int, ...]:
        """Number of planes along each letter of `outer`."""
        return tuple(self.shape[self.axes.index(letter)] for letter in self.outer)

    @property
    def channels(self) -> int:
        """Number of channels that are planes of their own."""
        return self.shape[self.axes.index("C")] if "C" in self.outer else 1

    def __len__(self) -> int:
        return int(np.prod(self.outer_shape))

    def index(self, position: Sequence[int]) -> Index:
        """Return the index into the image of the plane at `position` along `outer`."""
        at = dict(zip(self.outer, position, strict=True))
        return tuple(at.get(letter, slice(None)) for letter in self.axes)

    def positions(self) -> Iterator[tuple[int, ...]]:
        """Go through the planes in the order in which they lie in the image."""
        return np.ndindex(*self.outer_shape)

    def channel(self, position: Sequence[int]) -> int:
        """Return the channel that the plane at `position` belongs to."""
        return position[self.outer.index("C")] if "C" in self.outer else 0

    def alone(self) -> PlaneLayout:
        """Return the layout of one of the planes by itself."""
        sizes = zip(self.axes, self.shape, strict=True)
        return replace(self, shape=tuple(n if a in self.inner else 1 for a, n in sizes))

    def split(self, block: NDArray[np.generic]) -> NDArray[np.generic]:
        """Turn a plane as it lies in the image into ``(samples, Y, X)``, a view."""
        order = sorted(range(len(self.inner)), key=lambda i: "SCYX".index(self.inner[i]))
        return block.transpose(order).reshape(-1, self.height, self.width)

    def join(self, samples: NDArray[np.generic]) -> NDArray[np.generic]:
        """Undo `split`."""
        letters = sorted(self.inner, key="SCYX".index)
        ordered = samples if len(letters) == 3 else samples[0]
        return ordered.transpose([letters.index(letter) for letter in self.inner])


def plane_layout(
    axes: str, shape: Sequence[int], dtype: DTypeLike, *, colour_model: bool = False
) -> PlaneLayout:
    """Lay out an image in planes.

    S always lies within the plane. A last C of 3 does so in 8-bit data, and in any data for a
    model that takes three channels. All other axes count planes.
    """
    sizes = dict(zip(axes, shape, strict=True))
    inner, samples = "YX", 1
    if "S" in axes:
        inner, samples = "YXS", sizes["S"]
    elif axes.endswith("C") and sizes["C"] == 3 and (np.dtype(dtype) == np.uint8 or colour_model):
        inner, samples = "YXC", 3
    alpha = "S" in inner and samples in (2, 4)
    return PlaneLayout(
        axes=axes,
        shape=tuple(int(size) for size in shape),
        inner="".join(letter for letter in axes if letter in inner),
        colours=samples - alpha,
        alpha=alpha,
    )
