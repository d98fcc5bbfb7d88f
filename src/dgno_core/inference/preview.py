"""Restoring what is on the screen: one region of one plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.fallback import smaller_attempt, starting_tile
from dgno_core.inference.network import TileTooLargeError
from dgno_core.inference.restore import Job, Source, plan_job
from dgno_core.inference.tiles import plan_tiles
from dgno_core.io.normalise import IntensityRange, RangeEstimator
from dgno_core.io.source import SMALLEST

if TYPE_CHECKING:
    from torch import nn


def measure_ranges(
    source: Source, config: RestoreConfig = DEFAULTS, *, model: nn.Module | None = None
) -> tuple[IntensityRange, ...]:
    """Measure the intensity ranges of a whole stack, for many previews of it."""
    return _measure(plan_job(source, config, model))


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

    The region is restored with a halo of its surroundings, on the same grid of elements as the
    whole image, and with the intensity range of the stack. It differs from the full result as
    tiles do: the network sees less of the image.

    Parameters
    ----------
    source, config, model
        As for `restore_events`.
    plane_index
        Where the plane is along each axis besides Y, X and colour, in the order of the axes.
    yx_slices
        The region; steps are not allowed.
    ranges
        What `measure_ranges` gave, to save reading the stack for each preview.

    Returns
    -------
    numpy.ndarray
        The region with the axes of one plane (colour where it was) and the type of the image.

    Raises
    ------
    DGNOError
        As for `restore_events`, or if the region lies outside the image.
    """
    job = plan_job(source, config, model)
    layout, card = job.layout, job.network.card
    position = tuple(plane_index)
    fits = len(position) == len(layout.outer) and all(
        0 <= at < size for at, size in zip(position, layout.outer_shape, strict=False)
    )
    if not fits:
        raise DGNOError(
            f"{job.source.name} has no plane {position} along its axes {layout.outer or 'YX'}."
        )
    windows, crops = zip(
        *(
            _surround(part, size, card.halo, card.multiple)
            for part, size in zip(yx_slices, (layout.height, layout.width), strict=True)
        ),
        strict=True,
    )
    if ranges is None and config.normalise == "stack":
        ranges = _measure(job)
    samples = job.read(position)
    limits = job.plane_ranges(position, samples, ranges)
    restored = _restore(job, samples[:, *windows], limits)
    return layout.join(restored[:, *crops])


def _restore(job: Job, samples: NDArray[Any], limits: tuple[IntensityRange, ...]) -> NDArray[Any]:
    """Restore a part of a plane, with smaller tiles if memory runs out."""
    card = job.network.card
    tile, _ = starting_tile(job.network, job.layout, job.config)
    training = job.network.model.training
    job.network.model.eval()
    try:
        while True:
            plan = plan_tiles(samples.shape[1:], tile, card.halo, card.multiple)
            work = job.restore_plane(samples, limits, plan)
            try:
                while True:
                    next(work)
            except StopIteration as finished:
                result: NDArray[Any] = finished.value
                return result
            except TileTooLargeError:
                pass
            tile, _ = smaller_attempt(job.network, job.layout, job.config, tile)
    finally:
        job.network.model.train(training)


def _measure(job: Job) -> tuple[IntensityRange, ...]:
    estimator = RangeEstimator(job.layout, job.is_joint)
    for position in job.layout.positions():
        estimator.add(position, job.read(position))
    return estimator.ranges(job.network.card.percentiles)


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
