"""Warnings and choices that a restoration reports, collected alike by the run and by a dry run."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dgno_core.inference.checks import fit_warnings, gaps_kept, nothing_restored
from dgno_core.inference.events import PlaneMeasured
from dgno_core.inference.fallback import starting_tile
from dgno_core.inference.gaps import fill_gaps
from dgno_core.inference.prepared import PreparedImage, is_flat
from dgno_core.inference.range_check import image_warnings
from dgno_core.inference.room import check_restoration
from dgno_core.io.normalise import IntensityRange

if TYPE_CHECKING:
    from dgno_core.io.sinks import ImageSink


@dataclass(frozen=True)
class Survey:
    """What is known of an image before any of it is restored.

    Attributes
    ----------
    ranges
        The intensity ranges of the stack; None if each plane has its own.
    warnings
        How it is outside of what the card of the model states, in a sentence each.
    """

    ranges: tuple[IntensityRange, ...] | None
    warnings: list[str]


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

    def add(
        self, image: PreparedImage, samples: NDArray[Any], limits: Sequence[IntensityRange]
    ) -> None:
        """Look at one plane, ``(samples, Y, X)``."""
        filled = fill_gaps(samples)
        self.gaps += filled.count
        parts = [filled.samples[group] for group in image.groups]
        self.are_flat &= all(map(is_flat, parts, limits))

    def notes(self, image: PreparedImage) -> list[str]:
        """Say what to know of them, in a sentence each."""
        notes = [nothing_restored(image)] if self.are_flat else []
        return notes + ([gaps_kept(image, self.gaps)] if self.gaps else [])


def first_attempt(image: PreparedImage, sink: ImageSink) -> tuple[int, list[str]]:
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
    tile, notes = starting_tile(image.network, image.layout, image.config)
    check_restoration(image, tile, sink)
    return tile, [*image.source.warnings, *sink.warnings, *fit_warnings(image), *notes]


def survey(image: PreparedImage) -> Generator[PlaneMeasured, None, Survey]:
    """Measure the intensities, and compare the image with what the card states."""
    ranges = yield from image.measure()
    return Survey(ranges, list(image_warnings(image, ranges)))


def foresee(image: PreparedImage) -> Generator[PlaneMeasured, None, list[str]]:
    """Read what a run would read, and return what it would say of it, but restore nothing."""
    surveyed = yield from survey(image)
    seen = PlanesSeen()
    for done, position in enumerate(image.layout.positions(), 1):
        samples = image.read(position)
        seen.add(image, samples, image.plane_ranges(position, samples, surveyed.ranges))
        yield PlaneMeasured(done, len(image.layout))
    return [*surveyed.warnings, *seen.notes(image)]
