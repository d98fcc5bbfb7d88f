"""One image made ready for one network: which pixels go through it together, and how scaled."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.config import RestoreConfig
from dgno_core.inference.events import PlaneMeasured
from dgno_core.inference.gaps import fill_gaps
from dgno_core.inference.predictor import Predictor
from dgno_core.inference.tiles import TilePlan, plan_tiles
from dgno_core.io.axes import PlaneLayout
from dgno_core.io.normalise import IntensityRange, RangeEstimator
from dgno_core.io.read import read_image
from dgno_core.io.source import ArrayLike, ImageSource, NotFiniteError, as_source

if TYPE_CHECKING:
    from dgno_core.models.card import ModelCard

Source = ImageSource | ArrayLike | str | Path
Event = TypeVar("Event")

KEEP_GAPS = (
    "or leave these pixels as they are and restore the others: --nonfinite keep in a shell, "
    "nonfinite='keep' in Python, Advanced in the Restore panel"
)


@dataclass(frozen=True)
class PreparedImage:
    """One image, one network, and how the first falls into what the second takes."""

    source: ImageSource
    layout: PlaneLayout
    network: Predictor
    config: RestoreConfig

    @property
    def is_joint(self) -> bool:
        """Whether the three colours go through the network together."""
        return self.network.card.channels == 3

    @property
    def groups(self) -> tuple[slice, ...]:
        """Which samples of a plane go through the network at a time."""
        step = 3 if self.is_joint else 1
        return tuple(slice(i, i + step) for i in range(0, self.layout.colours, step))

    def plan(self, tile: int) -> TilePlan:
        """Plan the tiles of each plane."""
        card = self.network.card
        shape = (self.layout.height, self.layout.width)
        return plan_tiles(shape, tile, card.halo, card.multiple)

    def read(self, position: tuple[int, ...]) -> NDArray[Any]:
        """Read the plane at `position` as ``(samples, Y, X)``, as it was recorded."""
        index = self.layout.index(position)
        if self.config.nonfinite == "keep":
            return self.layout.split(self.source.load(index))
        try:
            return self.layout.split(self.source.read(index))
        except NotFiniteError as error:
            raise DGNOError(f"{error}; {KEEP_GAPS}.") from None

    def measure(self) -> Generator[PlaneMeasured, None, tuple[IntensityRange, ...] | None]:
        """Read the stack once for its intensity ranges; None if each plane has its own."""
        if self.config.normalise == "plane":
            return None
        estimator = RangeEstimator(self.layout, self.is_joint)
        for done, position in enumerate(self.layout.positions(), 1):
            estimator.add(position, self.read(position))
            yield PlaneMeasured(done, len(self.layout))
        return _card_ranges(estimator, self.network.card, self.source.dtype)

    def plane_ranges(
        self,
        position: tuple[int, ...],
        samples: NDArray[Any],
        ranges: tuple[IntensityRange, ...] | None,
    ) -> tuple[IntensityRange, ...]:
        """Return the range of each group of a plane: the stack's, or the plane's own."""
        if ranges is not None:
            return RangeEstimator(self.layout, self.is_joint).at(ranges, position)
        estimator = RangeEstimator(self.layout.alone(), self.is_joint)
        estimator.add((0,) * len(self.layout.outer), samples)
        return _card_ranges(estimator, self.network.card, samples.dtype)

    def restore_plane(
        self,
        samples: NDArray[Any],
        ranges: tuple[IntensityRange, ...],
        plan: TilePlan,
        progress: Iterator[Event],
    ) -> Generator[Event, None, NDArray[Any]]:
        """Restore the samples of one plane; yields the next of `progress` after each tile.

        Where a channel is constant there is nothing to restore, and it stays as it is. So do an
        opacity and pixels that are no numbers.
        """
        filled = fill_gaps(samples)
        restored = samples.copy()
        for group, limits in zip(self.groups, ranges, strict=True):
            part = filled.samples[group]
            if is_flat(part, limits):
                for _ in plan.tiles:
                    yield next(progress)
                continue
            scaled = yield from self.network.restore_plane(limits.apply(part), plan, progress)
            restored[group] = limits.invert(scaled, samples.dtype)
        return filled.reopen(restored, samples)


def prepare(image: ImageSource, network: Predictor, config: RestoreConfig) -> PreparedImage:
    """See how an image falls into what a network takes.

    Raises
    ------
    DGNOError
        If a model for colour meets an image without.
    """
    joint = network.card.channels == 3
    layout = image.layout(colour_model=joint)
    if joint and layout.colours != 3:
        raise DGNOError(
            f"{image.name} has no three colours (axes {image.axes}, shape {image.shape}), which "
            f"the model {network.name} needs; choose a grey model."
        )
    return PreparedImage(image, layout, network, config)


def open_source(source: Source, axes: str | None = None, series: int = 0) -> ImageSource:
    """Make a source of an image, an array or a path.

    Raises
    ------
    DGNOError
        If the image cannot be restored.
    """
    if isinstance(source, str | Path):
        image = read_image(source, axes, series=series)
    else:
        image = as_source(source, axes)
    image.check()
    return image


def is_flat(part: NDArray[Any], limits: IntensityRange) -> bool:
    """Tell whether there is nothing to restore in the samples of one group."""
    return limits.is_constant or all(np.ptp(channel) == 0 for channel in part)


def _card_ranges(
    estimator: RangeEstimator, card: ModelCard, dtype: np.dtype[Any]
) -> tuple[IntensityRange, ...]:
    """Return the intensities that stand for 0 and 1, as the model was trained."""
    if card.scaling == "type":
        return estimator.type_ranges(dtype)
    return estimator.ranges(card.percentiles)
