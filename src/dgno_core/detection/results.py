"""What a detector found: in one image, and in an image before and after restoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.detection.config import DetectConfig
from dgno_core.io.normalise import IntensityRange
from dgno_core.metrics.matching import Counts, Match


@dataclass(frozen=True)
class Detection:
    """The objects of one image.

    Attributes
    ----------
    labels
        Of the image's shape without its colours, e.g. ``(T, Y, X)``; 0 is background, and the
        objects of each plane are numbered from 1.
    axes
        One letter for each dimension of `labels`.
    probabilities
        One array for each plane, in the order in which the planes lie in `labels`: how sure the
        model is of object 1, 2, ..., from 0 to 1.
    limits
        The intensities that the detector saw as 0 and 1, of each channel.
    name
        What errors and records call the image.
    """

    labels: NDArray[np.int32]
    axes: str
    probabilities: tuple[NDArray[np.float32], ...]
    limits: tuple[IntensityRange, ...]
    name: str

    @property
    def planes(self) -> NDArray[np.int32]:
        """The labels as ``(planes, Y, X)``, with the planes in the order of `probabilities`."""
        last = [self.axes.index(letter) for letter in "YX"]
        moved = np.moveaxis(self.labels, last, (-2, -1))
        return moved.reshape(-1, *moved.shape[-2:])

    def like_labels(self, planes: NDArray[Any]) -> NDArray[Any]:
        """Undo `planes` for any ``(planes, Y, X)``: bring it into the shape of `labels`."""
        last = [self.axes.index(letter) for letter in "YX"]
        moved = np.moveaxis(self.labels, last, (-2, -1))
        return np.moveaxis(planes.reshape(moved.shape), (-2, -1), last)

    @property
    def count(self) -> int:
        """Number of objects in all planes."""
        return sum(int(np.count_nonzero(np.unique(plane))) for plane in self.planes)


@dataclass(frozen=True)
class DetectionFound:
    """All is done; the last event of `detect_events`.

    Attributes
    ----------
    before
        The objects of the first image.
    after
        Those of the second one, if there is one.
    matches
        What became of the objects, one `Match` a plane; empty without a second image.
    truth_before, truth_after
        How the objects agree with the ground truth, one `Counts` a plane; empty without one.
    config
        The settings.
    detector
        Name of the model.
    warnings
        Everything that was told on the way.
    """

    before: Detection
    after: Detection | None
    matches: tuple[Match, ...]
    truth_before: tuple[Counts, ...]
    truth_after: tuple[Counts, ...]
    config: DetectConfig
    detector: str
    warnings: tuple[str, ...]

    @property
    def matched(self) -> int:
        """Number of objects found in both images."""
        return sum(len(match.pairs) for match in self.matches)

    @property
    def lost(self) -> int:
        """Number of objects found in the first image only."""
        return sum(len(match.lost) for match in self.matches)

    @property
    def gained(self) -> int:
        """Number of objects found in the second image only."""
        return sum(len(match.gained) for match in self.matches)
