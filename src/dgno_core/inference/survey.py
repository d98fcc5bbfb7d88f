"""What is said of a restoration besides its pixels: by the run, and by a dry run before it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.inference.events import PlaneMeasured
from dgno_core.inference.fallback import starting_tile
from dgno_core.inference.gaps import fill_gaps
from dgno_core.inference.misgivings import gaps_kept, misgivings, nothing_restored
from dgno_core.inference.range_check import job_doubts
from dgno_core.inference.room import check_restoration
from dgno_core.io.normalise import IntensityRange, RangeEstimator

if TYPE_CHECKING:
    from dgno_core.inference.restore import Job
    from dgno_core.io.sinks import ImageSink
    from dgno_core.models.card import ModelCard


@dataclass(frozen=True)
class Survey:
    """What is known of an image before any of it is restored.

    Attributes
    ----------
    ranges
        The intensity ranges of the stack; None if each plane has its own.
    doubts
        How it is outside of what the card of the model states, in a sentence each.
    """

    ranges: tuple[IntensityRange, ...] | None
    doubts: list[str]


@dataclass
class PlanesSeen:
    """What is found in the planes one by one.

    Attributes
    ----------
    are_flat
        Whether there was nothing to restore in any of them.
    gaps
        How many values are no numbers.
    """

    are_flat: bool = True
    gaps: int = 0

    def add(self, job: Job, samples: NDArray[Any], limits: Sequence[IntensityRange]) -> None:
        """Look at one plane, ``(samples, Y, X)``."""
        filled = fill_gaps(samples)
        self.gaps += filled.count
        parts = [filled.samples[group] for group in job.groups]
        self.are_flat &= all(map(is_flat, parts, limits))

    def notes(self, job: Job) -> list[str]:
        """Say what to know of them, in a sentence each."""
        notes = [nothing_restored(job)] if self.are_flat else []
        return notes + ([gaps_kept(job, self.gaps)] if self.gaps else [])


def first_attempt(job: Job, sink: ImageSink) -> tuple[int, list[str]]:
    """Choose the tiles to begin with, check the memory, and collect what is known before.

    Returns
    -------
    tuple of int and list of str
        Largest edge of a tile in pixels, and sentences for the user.

    Raises
    ------
    DGNOError
        If the restoration does not fit the memory.
    """
    tile, notes = starting_tile(job.network, job.layout, job.config)
    check_restoration(job, tile, sink)
    return tile, [*job.source.warnings, *sink.warnings, *misgivings(job), *notes]


def survey(job: Job) -> Generator[PlaneMeasured, None, Survey]:
    """Measure the intensities, and compare the image with what the card states."""
    ranges = (yield from measure(job)) if job.config.normalise == "stack" else None
    return Survey(ranges, list(job_doubts(job, ranges)))


def foresee(job: Job) -> Generator[PlaneMeasured, None, list[str]]:
    """Read what a run would read, and return what it would say of it, but restore nothing."""
    surveyed = yield from survey(job)
    seen = PlanesSeen()
    for done, position in enumerate(job.layout.positions(), 1):
        samples = job.read(position)
        seen.add(job, samples, job.plane_ranges(position, samples, surveyed.ranges))
        yield PlaneMeasured(done, len(job.layout))
    return [*surveyed.doubts, *seen.notes(job)]


def measure(job: Job) -> Generator[PlaneMeasured, None, tuple[IntensityRange, ...]]:
    """Read the stack once for its intensity ranges."""
    estimator = RangeEstimator(job.layout, job.is_joint)
    for done, position in enumerate(job.layout.positions(), 1):
        estimator.add(position, job.read(position))
        yield PlaneMeasured(done, len(job.layout))
    return card_ranges(estimator, job.network.card, job.source.dtype)


def card_ranges(
    estimator: RangeEstimator, card: ModelCard, dtype: np.dtype[Any]
) -> tuple[IntensityRange, ...]:
    """Return the intensities that stand for 0 and 1, as the model was trained."""
    if card.scaling == "type":
        return estimator.type_ranges(dtype)
    return estimator.ranges(card.percentiles)


def is_flat(part: NDArray[Any], limits: IntensityRange) -> bool:
    """Tell whether there is nothing to restore in the samples of one group."""
    return limits.is_constant or all(np.ptp(channel) == 0 for channel in part)
