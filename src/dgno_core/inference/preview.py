"""Restoring what is on the screen: one region of one plane."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.events import (
    RegionEvent,
    RegionRestored,
    RestoreWarned,
    TileRestored,
)
from dgno_core.inference.fallback import smaller_attempt, starting_tile
from dgno_core.inference.gaps import fill_gaps
from dgno_core.inference.misgivings import misgivings
from dgno_core.inference.network import TileTooLargeError
from dgno_core.inference.range_check import plane_doubts
from dgno_core.inference.restore import Job, Source, plan_job
from dgno_core.inference.survey import measure
from dgno_core.inference.tiles import plan_tiles
from dgno_core.io.normalise import IntensityRange
from dgno_core.io.source import SMALLEST

if TYPE_CHECKING:
    from torch import nn

Result = TypeVar("Result")


def measure_ranges(
    source: Source, config: RestoreConfig = DEFAULTS, *, model: nn.Module | None = None
) -> tuple[IntensityRange, ...]:
    """Measure the intensity ranges of a whole stack, for many previews of it."""
    return _finish(measure(plan_job(source, config, model)))


def restore_region(
    source: Source,
    config: RestoreConfig = DEFAULTS,
    plane_index: Sequence[int] = (),
    yx_slices: tuple[slice, slice] = (slice(None), slice(None)),
    *,
    ranges: tuple[IntensityRange, ...] | None = None,
    model: nn.Module | None = None,
) -> NDArray[Any]:
    """Restore a region of one plane, as it will look in the whole.

    See `restore_region_events`, which also tells what the user should know.

    Returns
    -------
    numpy.ndarray
        The region with the axes of one plane (colour where it was) and the type of the image.
    """
    work = restore_region_events(source, config, plane_index, yx_slices, ranges=ranges, model=model)
    *_, last = work
    assert isinstance(last, RegionRestored)
    return last.data


def restore_region_events(
    source: Source,
    config: RestoreConfig = DEFAULTS,
    plane_index: Sequence[int] = (),
    yx_slices: tuple[slice, slice] = (slice(None), slice(None)),
    *,
    ranges: tuple[IntensityRange, ...] | None = None,
    model: nn.Module | None = None,
) -> Generator[RegionEvent, None, None]:
    """Restore a region of one plane, as it will look in the whole, reporting on the way.

    The region is restored with a halo of its surroundings, on the same grid of elements as the
    whole image, and with the intensity range of the stack. It differs from the full result as
    tiles do: the network sees less of the image.

    Parameters
    ----------
    source, config, model
        As for `restore_events`.
    plane_index
        Where the plane is along each axis besides Y, X and colour, in the order of the axes. A
        last C of 3 may be among them even if the model takes its three channels together.
    yx_slices
        The region; steps are not allowed.
    ranges
        What `measure_ranges` gave, to save reading the stack for each preview.

    Yields
    ------
    RegionEvent
        Last of all `RegionRestored`.

    Raises
    ------
    DGNOError
        As for `restore_events`, or if the region lies outside the image.
    """
    job = plan_job(source, config, model)
    layout, card = job.layout, job.network.card
    position = plane_position(job, plane_index)
    windows, crops = zip(
        *(
            _surround(part, size, card.halo, card.multiple)
            for part, size in zip(yx_slices, (layout.height, layout.width), strict=True)
        ),
        strict=True,
    )
    yield from map(RestoreWarned, (*job.source.warnings, *misgivings(job)))
    if ranges is None and config.normalise == "stack":
        ranges = yield from measure(job)
    samples = job.read(position)
    limits = job.plane_ranges(position, samples, ranges)
    filled = fill_gaps(samples)  # of the whole plane, as they are when all of it is restored
    part = filled.samples[:, *windows]
    yield from map(RestoreWarned, plane_doubts(job, part, limits))
    restored = yield from _restore(job, part, limits)
    if filled.gaps is not None:
        restored = np.where(filled.gaps[:, *windows], samples[:, *windows], restored)
    yield RegionRestored(layout.join(restored[:, *crops]), ranges, job.network.name)


def _restore(
    job: Job, samples: NDArray[Any], limits: tuple[IntensityRange, ...]
) -> Generator[RegionEvent, None, NDArray[Any]]:
    """Restore a part of a plane, with smaller tiles if memory runs out."""
    card = job.network.card
    tile, notes = starting_tile(job.network, job.layout, job.config)
    training = job.network.model.training
    job.network.model.eval()
    try:
        while True:
            yield from map(RestoreWarned, notes)
            plan = plan_tiles(samples.shape[1:], tile, card.halo, card.multiple)
            total = len(job.groups) * len(plan.tiles)
            try:
                work = job.restore_plane(samples, limits, plan)
                return (yield from _count(work, total))
            except TileTooLargeError:
                pass
            tile, notes = smaller_attempt(job.network, job.layout, job.config, tile)
    finally:
        job.network.model.train(training)


def _count(
    work: Generator[None, None, Result], total: int
) -> Generator[TileRestored, None, Result]:
    """Say after each tile how many of `total` are done."""
    done = 0
    while True:
        try:
            next(work)
        except StopIteration as finished:
            result: Result = finished.value
            return result
        done += 1
        yield TileRestored(done, total)


def plane_position(job: Job, plane_index: Sequence[int]) -> tuple[int, ...]:
    """Return where a plane is along the axes that count planes for the model of the job.

    Raises
    ------
    DGNOError
        If the image has no such plane.
    """
    position = tuple(plane_index)
    # For a model of one channel; that of three may take in another axis, which then drops out.
    outer = job.source.layout().outer
    if len(position) != len(outer):
        outer = job.layout.outer
    sizes = [job.layout.shape[job.layout.axes.index(letter)] for letter in outer]
    fits = len(position) == len(sizes) and all(
        0 <= at < size for at, size in zip(position, sizes, strict=True)
    )
    if not fits:
        raise DGNOError(
            f"{job.source.name} has no plane {position} along its axes {outer or 'YX'}."
        )
    places = zip(outer, position, strict=True)
    return tuple(at for letter, at in places if letter in job.layout.outer)


def _finish(work: Generator[object, None, Result]) -> Result:
    """Run to the end without looking at what happens on the way."""
    while True:
        try:
            next(work)
        except StopIteration as finished:
            result: Result = finished.value
            return result


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
