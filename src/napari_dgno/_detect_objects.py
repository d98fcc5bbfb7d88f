"""The objects of a comparison, one by one, and painted with a number each; knows no Qt."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dgno_core.errors import DGNOError

if TYPE_CHECKING:
    from dgno_core.detection import Detection, DetectionFound

HEADINGS = (
    "Object",
    "Status",
    "Plane",
    "Row",
    "Column",
    "Area before",
    "Area after",
    "IoU",
    "Sure before",
    "Sure after",
)
NAN = float("nan")


@dataclass(frozen=True)
class DetectedObject:
    """One object.

    Parameters
    ----------
    number : int
        In the painted planes and the table, from 1 over all planes.
    status : str
        ``"matched"``, ``"lost"``, ``"gained"``; ``"found"`` where nothing is compared with.
    plane : int
        From 0, in the order of `Detection.planes`.
    y, x : float
        Middle, in pixels.
    area_before, area_after : float
        In pixels; NaN where it was not found.
    iou : float
        Intersection over union of a matched object; NaN otherwise.
    sure_before, sure_after : float
        How sure the detector is, 0 to 1; NaN where it found nothing.
    """

    number: int
    status: str
    plane: int
    y: float
    x: float
    area_before: float = NAN
    area_after: float = NAN
    iou: float = NAN
    sure_before: float = NAN
    sure_after: float = NAN

    @property
    def cells(self) -> tuple[int | float | str, ...]:
        """The row of the table, in the order of `HEADINGS`; planes count from 0, as in napari."""
        return (
            self.number, self.status, self.plane, self.y, self.x, self.area_before,
            self.area_after, self.iou, self.sure_before, self.sure_after,
        )  # fmt: skip


@dataclass(frozen=True)
class _Measured:
    """Middle, area and certainty of every label of a plane; index 0 is the background."""

    y: np.ndarray
    x: np.ndarray
    area: np.ndarray
    sure: np.ndarray

    @classmethod
    def of(cls, plane: np.ndarray, probabilities: np.ndarray) -> _Measured:
        flat, size = plane.ravel(), int(plane.max(initial=0)) + 1
        area = np.bincount(flat, minlength=size).astype(float)
        rows, columns = np.indices(plane.shape)
        counted = np.maximum(area, 1)
        y = np.bincount(flat, rows.ravel(), size) / counted
        x = np.bincount(flat, columns.ravel(), size) / counted
        sure = np.full(size, NAN)
        sure[1:] = np.asarray(probabilities, float)[: size - 1]
        return cls(y, x, area, sure)


def list_objects(found: DetectionFound) -> tuple[list[DetectedObject], np.ndarray]:
    """List all objects, and paint each with its number.

    Returns
    -------
    tuple
        The objects, and their numbers in the shape of the labels before; 0 is background. Where
        two objects lie upon each other, the one found after restoring is seen.
    """
    if found.after is None:
        return _list_alone(found.before)
    objects: list[DetectedObject] = []
    painted = []
    pairs = zip(found.before.planes, found.after.planes, found.matches, strict=True)
    for index, (before, after, match) in enumerate(pairs):
        first = _Measured.of(before, found.before.probabilities[index])
        second = _Measured.of(after, found.after.probabilities[index])
        lost_table = np.zeros(len(first.area), np.int32)
        seen_table = np.zeros(len(second.area), np.int32)
        for (old, new), iou in zip(match.pairs, match.ious, strict=True):
            objects.append(
                DetectedObject(
                    len(objects) + 1,
                    "matched",
                    index,
                    second.y[new],
                    second.x[new],
                    first.area[old],
                    second.area[new],
                    float(iou),
                    first.sure[old],
                    second.sure[new],
                )
            )
            seen_table[new] = len(objects)
        for old in match.lost:
            number = len(objects) + 1
            objects.append(
                DetectedObject(
                    number,
                    "lost",
                    index,
                    first.y[old],
                    first.x[old],
                    area_before=first.area[old],
                    sure_before=first.sure[old],
                )
            )
            lost_table[old] = number
        for new in match.gained:
            number = len(objects) + 1
            objects.append(
                DetectedObject(
                    number,
                    "gained",
                    index,
                    second.y[new],
                    second.x[new],
                    area_after=second.area[new],
                    sure_after=second.sure[new],
                )
            )
            seen_table[new] = number
        seen = seen_table[after]
        painted.append(np.where(seen, seen, lost_table[before]))
    return objects, found.before.like_labels(np.stack(painted))


def _list_alone(detection: Detection) -> tuple[list[DetectedObject], np.ndarray]:
    objects: list[DetectedObject] = []
    painted = []
    for index, plane in enumerate(detection.planes):
        measured = _Measured.of(plane, detection.probabilities[index])
        table = np.zeros(len(measured.area), np.int32)
        for label in np.flatnonzero(measured.area[1:]) + 1:
            table[label] = len(objects) + 1
            objects.append(
                DetectedObject(
                    len(objects) + 1,
                    "found",
                    index,
                    measured.y[label],
                    measured.x[label],
                    area_before=measured.area[label],
                    sure_before=measured.sure[label],
                )
            )
        painted.append(table[plane])
    return objects, detection.like_labels(np.stack(painted))


def save_objects(objects: Sequence[DetectedObject], path: Path) -> None:
    """Write the table as CSV, with numbers in full.

    Raises
    ------
    DGNOError
        If the file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            writer.writerow(heading.lower().replace(" ", "_") for heading in HEADINGS)
            for item in objects:
                writer.writerow("" if value != value else value for value in item.cells)
    except OSError as error:
        raise DGNOError(f"The table cannot be written to {path}: {error.strerror}.") from error
