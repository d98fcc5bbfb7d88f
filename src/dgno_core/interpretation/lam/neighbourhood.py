"""Which part of an image is looked at around a box: always of one size, so that maps compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.prepared import Source
from dgno_core.inference.restorer import Restorer
from dgno_core.interpretation.lam.settings import DEFAULTS, LamSettings, Window
from dgno_core.interpretation.view import View, read_view
from dgno_core.io.normalise import IntensityRange

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Neighbourhood:
    """A part of an image around a box.

    Attributes
    ----------
    read
        Rows and columns that the network is given, from its grid on.
    margin
        How many of the first of these rows and columns do not belong to the map: none, but where
        a box lies so near to a far border that the map must start off the grid to hold it.
    """

    read: tuple[slice, slice]
    margin: tuple[int, int]

    @property
    def first(self) -> tuple[int, int]:
        """First row and column of the map."""
        return self.read[0].start + self.margin[0], self.read[1].start + self.margin[1]

    def shown(self, pixels: NDArray[Scalar]) -> NDArray[Scalar]:
        """Return the part of what was read that the map covers, ``(C, Y, X)``."""
        return pixels[:, self.margin[0] :, self.margin[1] :]


def find_neighbourhood(
    window: Window, shape: tuple[int, int], side: int = 256, grid: int = 32, name: str = "the image"
) -> Neighbourhood:
    """Place a square of one size around a box, moved to where the image and the grid allow.

    Parameters
    ----------
    window
        The box, in pixels of the image.
    shape
        Height and width of the image.
    side
        Side of the square; along a dimension that is shorter it is all of it.
    grid
        The square starts on a multiple of it, unless it could then not hold the box.
    name
        What errors call the image.

    Raises
    ------
    DGNOError
        If the box reaches outside of the image or is larger than the square.
    """
    top, left, height, width = window.y, window.x, window.height, window.width
    if min(top, left) < 0 or top + height > shape[0] or left + width > shape[1]:
        raise DGNOError(
            f"The box of {height} x {width} pixels at row {top}, column {left} reaches outside of "
            f"{name}, which is {shape[0]} x {shape[1]} pixels; draw it inside."
        )
    if max(height, width) > side:
        raise DGNOError(
            f"The box of {height} x {width} pixels is larger than the neighbourhood of "
            f"{side} x {side} that is looked at; draw a smaller box."
        )
    rows = _span(top, height, shape[0], side, grid)
    columns = _span(left, width, shape[1], side, grid)
    return Neighbourhood((rows[0], columns[0]), (rows[1], columns[1]))


def read_neighbourhood(
    source: Source,
    window: Window,
    settings: LamSettings = DEFAULTS,
    restorer: Restorer | None = None,
    plane_index: Sequence[int] = (),
    *,
    channel: int = 0,
    ranges: tuple[IntensityRange, ...] | None = None,
    grid: int = 1,
) -> View:
    """Read the neighbourhood of a box, for `lam_events`.

    Parameters
    ----------
    source, restorer, plane_index, channel, ranges
        As for `dgno_core.interpretation.view.read_view`.
    window
        The box, in pixels of the image.
    settings
        Of which `side` counts.
    grid
        A grid besides that of the network on which the neighbourhood shall start: that of another
        model to compare with.

    Raises
    ------
    DGNOError
        If the box reaches outside of the image or is larger than the neighbourhood, or as for
        `read_view`.
    """
    restorer = restorer or Restorer()
    image = restorer.prepare(source)
    shape = (image.layout.height, image.layout.width)
    grid = lcm(grid, image.network.card.multiple)
    around = find_neighbourhood(window, shape, settings.side, grid, image.source.name)
    return read_view(
        image.source,
        restorer,
        plane_index,
        around.read,
        channel=channel,
        ranges=ranges,
    )


def _span(first: int, length: int, size: int, side: int, grid: int) -> tuple[slice, int]:
    """Return what is read along one dimension, and its margin."""
    if size <= side:
        return slice(0, size), 0
    start = min(max(first + length // 2 - side // 2, 0), size - side)
    on_grid = start // grid * grid
    if first + length <= on_grid + side:
        return slice(on_grid, on_grid + side), 0
    return slice(on_grid, start + side), start - on_grid
