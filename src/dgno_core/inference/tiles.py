"""The tile plan: overlapping windows whose weights sum to exactly one.

Windows of one size start on multiples of 32 pixels, or of the model's coarser grid, so that the
elements of the network lie at the same places in every tile and at every scale. Neighbours overlap
by at least two halos. In the middle of the overlap, where both have at least half a halo of
surroundings left, a linear ramp leads from one to the other; the borders of the image are not
tapered. Windows are no larger than their number asks for: the tile is only the most that they may
measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Span:
    """A window along one dimension, and how much it counts at each of its pixels (0 to 1)."""

    start: int
    weights: NDArray[np.float32]

    @property
    def slice(self) -> slice:
        """Where the window lies."""
        return slice(self.start, self.start + len(self.weights))


@dataclass(frozen=True)
class Tile:
    """A window in a plane."""

    rows: Span
    columns: Span

    @property
    def window(self) -> tuple[slice, slice]:
        """Where the window lies along Y and X."""
        return self.rows.slice, self.columns.slice

    @property
    def weights(self) -> NDArray[np.float32]:
        """How much the window counts at each of its pixels, (Y, X)."""
        return self.rows.weights[:, None] * self.columns.weights


@dataclass(frozen=True)
class TilePlan:
    """How a plane is cut up.

    Attributes
    ----------
    shape
        Height and width of the plane.
    padded
        The same rounded up to the multiple; the plane is reflected into what is added.
    tiles
        The windows, all of one size, in the padded plane.
    """

    shape: tuple[int, int]
    padded: tuple[int, int]
    tiles: tuple[Tile, ...]

    def pad(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Reflect ``(C, Y, X)`` into the padded size, at the bottom and on the right."""
        extra = [(0, big - small) for big, small in zip(self.padded, self.shape, strict=True)]
        return np.pad(samples, [(0, 0), *extra], mode="reflect")

    def crop(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Undo `pad`."""
        return samples[:, : self.shape[0], : self.shape[1]]


def plan_tiles(shape: tuple[int, int], tile: int, halo: int = 64, multiple: int = 32) -> TilePlan:
    """Plan the tiles of a plane.

    A plane no larger than the tile is one tile. Where the tile is smaller than four halos, the
    halo is a quarter of the tile.

    Parameters
    ----------
    shape
        Height and width in pixels.
    tile
        Largest edge of a window, a multiple of `multiple` and at least twice it.
    halo
        Surroundings that a pixel needs on each side.
    multiple
        The grid on which windows start and end.

    Raises
    ------
    ValueError
        If `tile` does not fit `multiple`, or the plane is empty.
    """
    if tile % multiple or tile < 2 * multiple or min(shape) < 1:
        raise ValueError(f"tile {tile} and plane {shape} do not fit a grid of {multiple}")
    padded = (-(-shape[0] // multiple) * multiple, -(-shape[1] // multiple) * multiple)
    rows, columns = (plan_spans(length, tile, halo, multiple) for length in padded)
    return TilePlan(shape, padded, tuple(Tile(y, x) for y, x in product(rows, columns)))


def plan_spans(length: int, tile: int, halo: int, multiple: int) -> tuple[Span, ...]:
    """Plan the windows along one dimension of a `length` that is a multiple of `multiple`.

    There are as few as windows of the size of the tile allow, and they are then made as small as
    overlaps of two halos allow.
    """
    window = min(tile, length)
    halo = min(halo, tile // 4)
    step = max((window - 2 * halo) // multiple, 1)
    gaps = -(-(length - window) // (multiple * step))
    while gaps and _largest_step(length, window - multiple, gaps, multiple) <= (
        window - multiple - 2 * halo
    ):
        window -= multiple
    room = (length - window) // multiple
    starts = [i * room // max(gaps, 1) * multiple for i in range(gaps + 1)]
    # A ramp falls from 1 to 0 where one window hands over to the next; a window's weight is its
    # own ramp less that of the window before, so all weights sum to one. With a power of two as
    # length, ramps and their products are exact in float32, and so is the sum.
    ramp = 1 << (halo.bit_length() - 1) if halo else 0
    pixels = np.arange(length, dtype=np.float32)
    ramps = [np.zeros(length, np.float32)]
    for left, right in pairwise(starts):
        middle = (right + left + window) // 2
        if ramp:
            fall = (middle - pixels - np.float32(0.5)) / np.float32(ramp) + np.float32(0.5)
            ramps.append(np.clip(fall, 0, 1))
        else:
            ramps.append((pixels < middle).astype(np.float32))
    ramps.append(np.ones(length, np.float32))
    weights = [after - before for before, after in pairwise(ramps)]
    return tuple(
        Span(start, weight[start : start + window])
        for start, weight in zip(starts, weights, strict=True)
    )


def _largest_step(length: int, window: int, gaps: int, multiple: int) -> int:
    """Return how far apart the starts of neighbours are at most, with `gaps` + 1 windows."""
    return -(-(length - window) // (multiple * gaps)) * multiple
