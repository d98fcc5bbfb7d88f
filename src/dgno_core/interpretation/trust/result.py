"""What the analysis of trust finds: maps on the image, and sentences about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dgno_core.interpretation.trust.verdict import Verdict


@dataclass(frozen=True)
class TrustMap:
    """One map, pixel by pixel over the view, with all that is needed to show it.

    Attributes
    ----------
    key
        Its name in files and layers: ``expected_error``, ``residual``, ...
    title
        The same for people.
    values
        ``(Y, X)``, float32, in `unit`.
    unit
        What the numbers count.
    legend
        One sentence: what the colour means.
    limits
        The values at the two ends of the colour map; signed maps are centred at zero.
    colour_map
        Name of a perceptually uniform colour map of matplotlib; ``coolwarm`` for signed values.
    scale, translate
        Where the map lies in the image, as napari takes it: pixels of the image for each of the
        map's, and the image pixel (row, column) at the centre of the map's first.
    words
        What the two ends of the colour map mean, in a word or two.
    """

    key: str
    title: str
    values: NDArray[np.float32]
    unit: str
    legend: str
    limits: tuple[float, float]
    colour_map: str
    translate: tuple[float, float]
    scale: tuple[float, float] = (1.0, 1.0)
    words: tuple[str, str] = ("", "")

    @property
    def is_signed(self) -> bool:
        """Whether the values may be below zero, which then stands in the middle."""
        return self.limits[0] < 0


@dataclass(frozen=True)
class TrustFound:
    """The last event of `trust_events`: where the restored image can be trusted.

    Attributes
    ----------
    restored
        ``(C, Y, X)``: the view as the network restores it, scaled as the view is.
    expected_error
        How wrong the result may be, in % of the image's range; the map to look at first.
    residual
        What no blur of the restored image explains, in units of the noise, signed: above zero
        the recorded image is brighter than the restored one allows, below it is darker.
    blur_width
        How blurred the image was, in pixels: the width of the kernel that leads back.
    spread
        Standard deviation over the eight flips and rotations, in % of the range.
    difference
        Between this network and the second, in % of the range; None without a second one.
    noise
        Standard deviation of the noise of the recorded image, in % of the range, at half of it.
    verdict
        Whether to trust it, in one sentence; to be read first.
    summary
        One or two sentences on what the maps show.
    warnings
        Sentences about what lies outside of what the model was made for; empty if nothing does.
        Each was a `AnalysisWarned` too.
    """

    restored: NDArray[np.float32]
    expected_error: TrustMap
    residual: TrustMap
    blur_width: TrustMap
    spread: TrustMap
    difference: TrustMap | None
    noise: float
    verdict: Verdict
    summary: str
    warnings: tuple[str, ...] = field(default=())

    @property
    def maps(self) -> tuple[TrustMap, ...]:
        """All maps there are, the most important first."""
        return tuple(self)

    def __iter__(self) -> Iterator[TrustMap]:
        """Iterate over the maps."""
        yield from (self.expected_error, self.residual, self.blur_width, self.spread)
        if self.difference is not None:
            yield self.difference
