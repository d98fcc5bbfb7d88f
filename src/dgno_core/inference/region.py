"""Restoring what is on the screen: one region of one plane."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.checks import fit_warnings
from dgno_core.inference.events import RegionEvent, RegionRestored, RestoreWarned, TileRestored
from dgno_core.inference.fallback import smaller_attempt, starting_tile
from dgno_core.inference.gaps import fill_gaps
from dgno_core.inference.predictor import TileTooLargeError
from dgno_core.inference.prepared import PreparedImage
from dgno_core.inference.range_check import plane_warnings
from dgno_core.inference.tiles import plan_tiles
from dgno_core.io.normalise import IntensityRange
from dgno_core.io.source import SMALLEST


def restore_region(
    image: PreparedImage,
    yx_slices: tuple[slice, slice],
    plane_index: Sequence[int] = (),
    ranges: tuple[IntensityRange, ...] | None = None,
) -> Generator[RegionEvent, None, None]:
    """Restore a region of one plane; see `dgno_core.inference.restorer.Restorer.region_events`."""
    layout, card = image.layout, image.network.card
    position = plane_position(image, plane_index)
    windows, crops = zip(
        *(
            _surround(part, size, card.halo, card.multiple)
            for part, size in zip(yx_slices, (layout.height, layout.width), strict=True)
        ),
        strict=True,
    )
    yield from map(RestoreWarned, (*image.source.warnings, *fit_warnings(image)))
    if ranges is None:
        ranges = yield from image.measure()
    samples = image.read(position)
    limits = image.plane_ranges(position, samples, ranges)
    filled = fill_gaps(samples)  # of the whole plane, as they are when all of it is restored
    part = filled.samples[:, *windows]
    yield from map(RestoreWarned, plane_warnings(image, part, limits))
    with image.network.evaluating():
        restored = yield from _restore(image, part, limits)
    if filled.gaps is not None:
        restored = np.where(filled.gaps[:, *windows], samples[:, *windows], restored)
    yield RegionRestored(layout.join(restored[:, *crops]), ranges, image.network.name)


def _restore(
    image: PreparedImage, samples: NDArray[Any], limits: tuple[IntensityRange, ...]
) -> Generator[RegionEvent, None, NDArray[Any]]:
    """Restore a part of a plane, with smaller tiles if memory runs out."""
    card = image.network.card
    tile, notes = starting_tile(image.network, image.layout, image.config)
    while True:
        yield from map(RestoreWarned, notes)
        plan = plan_tiles(samples.shape[1:], tile, card.halo, card.multiple)
        total = len(image.groups) * len(plan.tiles)
        progress = (TileRestored(done, total) for done in count(1))
        try:
            return (yield from image.restore_plane(samples, limits, plan, progress))
        except TileTooLargeError:
            pass  # handled outside, where the traceback no longer keeps the tensors alive
        tile, notes = smaller_attempt(image.network, image.layout, image.config, tile)


def plane_position(image: PreparedImage, plane_index: Sequence[int]) -> tuple[int, ...]:
    """Return where a plane is along the axes that count planes for the model.

    Raises
    ------
    DGNOError
        If the image has no such plane.
    """
    position = tuple(plane_index)
    # For a model of one channel; that of three may take in another axis, which then drops out.
    outer = image.source.layout().outer
    if len(position) != len(outer):
        outer = image.layout.outer
    sizes = [image.layout.shape[image.layout.axes.index(letter)] for letter in outer]
    fits = len(position) == len(sizes) and all(
        0 <= at < size for at, size in zip(position, sizes, strict=True)
    )
    if not fits:
        raise DGNOError(
            f"{image.source.name} has no plane {position} along its axes {outer or 'YX'}."
        )
    places = zip(outer, position, strict=True)
    return tuple(at for letter, at in places if letter in image.layout.outer)


def _surround(part: slice, size: int, halo: int, multiple: int) -> tuple[slice, slice]:
    """Return a region with its halo, starting on the grid, and where the region lies in it."""
    start, stop, step = part.indices(size)
    if step != 1 or stop <= start:
        raise DGNOError(f"The region {part.start}:{part.stop} is empty or outside the image.")
    first = max(start - halo, 0) // multiple * multiple
    last = min(max(stop + halo, first + SMALLEST), size)
    # At the far border, too small a rest takes more of the image before it.
    if last - first < SMALLEST:
        first = max(last - SMALLEST, 0) // multiple * multiple
    return slice(first, last), slice(start - first, stop - first)
