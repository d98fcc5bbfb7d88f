"""Self-consistency: whether the network says the same of an image that is flipped or turned.

Optics and specimens know no up or left, so a flipped image should give the flipped result. How far
the eight results differ, each turned back, shows where the network guesses. Networks that agree may
still be wrong together.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dgno_core.inference.predictor import Predictor
from dgno_core.inference.tiles import TilePlan, plan_tiles

Floats = NDArray[np.float32]
Event = TypeVar("Event")

ORIENTATIONS = range(8)


def turn(image: Floats, orientation: int) -> Floats:
    """Turn ``(C, Y, X)`` by `orientation` quarters, from 4 on also flipped along X; 0 is as is."""
    turned = np.rot90(image, orientation % 4, (1, 2))
    return np.ascontiguousarray(turned[..., ::-1] if orientation >= 4 else turned)


def turn_back(image: Floats, orientation: int) -> Floats:
    """Undo `turn`."""
    flipped = image[..., ::-1] if orientation >= 4 else image
    return np.ascontiguousarray(np.rot90(flipped, -(orientation % 4), (1, 2)))


@dataclass(frozen=True)
class Agreement:
    """What eight restorations have in common.

    Attributes
    ----------
    restored
        ``(C, Y, X)``: the image restored as it is.
    spread
        ``(C, Y, X)``: standard deviation of the eight results, in the units of the image.
    """

    restored: Floats
    spread: Floats


def restore_all_ways(
    network: Predictor, pixels: Floats, tile: int, progress: Iterator[Event]
) -> Generator[Event, None, Agreement]:
    """Restore an image in all eight orientations; yields the next of `progress` after each tile.

    Three images are kept, however many orientations there are.

    Parameters
    ----------
    network
        In its evaluation mode.
    pixels
        ``(C, Y, X)``, scaled as the network takes it.
    tile
        Largest edge of a tile in pixels.

    Raises
    ------
    TileTooLargeError
        If memory runs out.
    """
    restored = mean = np.zeros_like(pixels)
    squares = np.zeros_like(pixels)
    for orientation in ORIENTATIONS:
        turned = turn(pixels, orientation)
        plan = plan_for(network, turned, tile)
        result = turn_back((yield from network.restore_plane(turned, plan, progress)), orientation)
        if orientation == 0:
            restored = result
        # Welford's sums: exact zero where all agree.
        step = result - mean
        mean = mean + step / np.float32(orientation + 1)
        squares += step * (result - mean)
    return Agreement(restored, np.sqrt(squares / len(ORIENTATIONS)))


def plan_for(network: Predictor, pixels: Floats, tile: int) -> TilePlan:
    """Plan the tiles of a view."""
    card = network.card
    return plan_tiles((pixels.shape[1], pixels.shape[2]), tile, card.halo, card.multiple)


def count_tiles(network: Predictor, pixels: Floats, tile: int) -> int:
    """Count what `restore_all_ways` yields."""
    upright = len(plan_for(network, pixels, tile).tiles)
    lying = len(plan_for(network, turn(pixels, 1), tile).tiles)
    return len(ORIENTATIONS) // 2 * (upright + lying)
