"""The faces between elements as segments on the image, with what crosses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float32]  # (gy, gx): a value an element


@dataclass(frozen=True)
class Faces:
    """N faces; each lies between a first element (above or left of it) and a second one.

    Attributes
    ----------
    start, end
        ``(N, 2)``: ends of the segments, row and column in pixels of the image (centres of pixels
        at integers, so faces lie at halves).
    flux
        ``(N,)``: root mean square of the entries of the flux matrices that the elements of the
        face receive through it.
    received
        ``(N, 2)``: the same for the first and the second element alone; NaN where there is none.
    jump
        ``(N,)``: root mean square of the entries of the difference of the operators on the two
        sides; beyond the border stands the operator of the boundary condition.
    is_boundary
        ``(N,)``: whether the face is on the border of what the network sees.
    unit
        Of `flux`, `received` and `jump`.
    """

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    flux: NDArray[np.float32]
    received: NDArray[np.float32]
    jump: NDArray[np.float32]
    is_boundary: NDArray[np.bool_]
    unit: str = "arb. units"

    def __len__(self) -> int:
        """Number of faces."""
        return len(self.flux)

    @property
    def segments(self) -> NDArray[np.float64]:
        """``(N, 2, 2)``: start and end of each, as a Shapes layer takes lines."""
        return np.stack([self.start, self.end], axis=1)

    @property
    def vectors(self) -> NDArray[np.float64]:
        """``(N, 2, 2)``: start and direction of each, as a Vectors layer takes them."""
        return np.stack([self.start, self.end - self.start], axis=1)


def faces_on(
    received: Mapping[Any, Grid],
    jumps: Mapping[Any, Grid],
    side: int,
    origin: tuple[int, int],
    shape: tuple[int, int],
) -> Faces:
    """Lay the faces of a grid of elements on an image.

    Parameters
    ----------
    received, jumps
        For ``top``, ``bottom``, ``left`` and ``right`` one magnitude an element.
    side
        Of an element, in pixels of the image.
    origin
        Pixel of the image at which the first element starts.
    shape
        Height and width of the part of the image that the network saw, without its padding;
        faces in the padding are left out, those that reach into it are cut off.

    Returns
    -------
    Faces
        First those between rows of elements, then those between columns.
    """
    level = _lines(received["bottom"], received["top"], jumps["bottom"], jumps["top"], side, shape)
    # Columns are rows of the transposed image.
    turned = (received["right"].T, received["left"].T, jumps["right"].T, jumps["left"].T)
    start, end, *values = _lines(*turned, side, (shape[1], shape[0]))
    upright = (start[:, ::-1], end[:, ::-1], *values)
    start, end, crossing, jump, is_boundary = (
        np.concatenate(both) for both in zip(level, upright, strict=True)
    )
    flux = np.sqrt(np.nanmean(np.square(crossing), axis=1))
    return Faces(start + origin, end + origin, flux, crossing, jump, is_boundary)


def _lines(
    first: Grid,
    second: Grid,
    first_jump: Grid,
    second_jump: Grid,
    side: int,
    shape: tuple[int, int],
) -> tuple[NDArray[Any], ...]:
    """Start, end, received, jump and mark of the faces below and above the elements."""
    n, m = first.shape
    received = np.full((n + 1, m, 2), np.nan, np.float32)
    received[1:, :, 0], received[:-1, :, 1] = first, second
    jump = np.concatenate([second_jump, first_jump[-1:]])
    row, column = np.meshgrid(side * np.arange(n + 1), side * np.arange(m), indexing="ij")
    kept = (row <= shape[0]) & (column < shape[1])
    start = np.stack([row, column], axis=-1)[kept] - 0.5
    end = np.stack([row, np.minimum(column + side, shape[1])], axis=-1)[kept] - 0.5
    is_boundary = (row == 0) | (row == side * n)
    return start, end, received[kept], jump[kept], is_boundary[kept]
