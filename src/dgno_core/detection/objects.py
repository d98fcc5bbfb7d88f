"""The objects of a detection one by one, as a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dgno_core.detection.results import Detection, DetectionFound
from dgno_core.io.atomic import replacing

NAN = float("nan")


@dataclass(frozen=True)
class FoundObject:
    """One object; one that was found in both images is one.

    Attributes
    ----------
    plane
        From 0, in the order of `Detection.planes`.
    status
        ``matched``, ``lost`` or ``gained``; ``found`` where nothing is compared with.
    label_before, label_after
        Its label in each image; 0 where it was not found. Of a matched object, they are partners.
    iou
        Intersection over union of a matched object; NaN otherwise.
    area_before, area_after
        In pixels; NaN where it was not found.
    y, x
        Its middle (centroid) in pixels of the image, after restoring if it was found there.
    probability_before, probability_after
        How sure the model is, 0 to 1; NaN where it was not found.
    """

    plane: int
    status: Literal["matched", "lost", "gained", "found"]
    label_before: int
    label_after: int
    iou: float
    area_before: float
    area_after: float
    y: float
    x: float
    probability_before: float
    probability_after: float


@dataclass(frozen=True)
class Column:
    """A column of the table of objects, in files and on screen.

    Attributes
    ----------
    name
        In files; it stays from version to version.
    attribute
        Of `FoundObject`; empty for the object's number.
    digits
        After the point, where people read it.
    heading
        For people; the name in plain writing if it is empty.
    """

    name: str
    attribute: str
    digits: int = 0
    heading: str = ""

    @property
    def title(self) -> str:
        """What people read above the column."""
        return self.heading or self.name.replace("_", " ").capitalize()

    def value(self, number: int, item: FoundObject) -> int | float | str:
        """Return the cell of the object with that number."""
        found: int | float | str = getattr(item, self.attribute) if self.attribute else number
        return found


#: What a reader needs of an object; files also tell its labels.
COLUMNS = (
    Column("object", ""),
    Column("status", "status"),
    Column("plane", "plane"),
    Column("row", "y"),
    Column("column", "x"),
    Column("area_before", "area_before"),
    Column("area_after", "area_after"),
    Column("iou", "iou", 2, "IoU"),
    Column("probability_before", "probability_before", 2),
    Column("probability_after", "probability_after", 2),
)
FILE_COLUMNS = (
    *COLUMNS,
    Column("label_before", "label_before"),
    Column("label_after", "label_after"),
)


def list_objects(found: DetectionFound) -> list[FoundObject]:
    """List all objects: plane by plane, first the matched, then the lost and the gained ones."""
    if found.after is None:
        return list(_alone(found.before))
    rows = []
    for index, match in enumerate(found.matches):
        before, after = (_Measured(side, index) for side in (found.before, found.after))
        for (old, new), iou in zip(match.pairs.tolist(), match.ious.tolist(), strict=True):
            rows.append(_row(index, "matched", before, old, after, new, iou))
        rows += [_row(index, "lost", before, old, after, 0) for old in match.lost.tolist()]
        rows += [_row(index, "gained", before, 0, after, new) for new in match.gained.tolist()]
    return rows


def write_objects(objects: Sequence[FoundObject], path: Path) -> None:
    """Write the table as CSV, complete or not at all; what is unknown stays empty.

    Parameters
    ----------
    objects
        They are numbered from 1, in this order.
    path
        Its columns are `FILE_COLUMNS`.

    Raises
    ------
    DGNOError
        If the file cannot be written.
    """
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(column.name for column in FILE_COLUMNS)
        for number, item in enumerate(objects, start=1):
            writer.writerow(_cell(each.value(number, item)) for each in FILE_COLUMNS)


class _Measured:
    """Area, middle and certainty of each label of a plane; index 0 stands for no object."""

    def __init__(self, detection: Detection, index: int) -> None:
        plane = detection.planes[index]
        flat, size = plane.ravel(), int(plane.max(initial=0)) + 1
        rows, columns = np.indices(plane.shape)
        self.area = _without_background(np.bincount(flat, minlength=size).astype(float))
        self.y = np.bincount(flat, rows.ravel(), size) / np.maximum(self.area, 1)
        self.x = np.bincount(flat, columns.ravel(), size) / np.maximum(self.area, 1)
        self.sure = np.full(size, NAN)
        self.sure[1:] = detection.probabilities[index][: size - 1]


def _without_background(area: NDArray[np.float64]) -> NDArray[np.float64]:
    area[0] = NAN
    return area


def _row(
    plane: int,
    status: Literal["matched", "lost", "gained", "found"],
    before: _Measured,
    old: int,
    after: _Measured,
    new: int,
    iou: float = NAN,
) -> FoundObject:
    seen, label = (after, new) if new else (before, old)
    return FoundObject(
        plane,
        status,
        old,
        new,
        iou,
        float(before.area[old]),
        float(after.area[new]),
        float(seen.y[label]),
        float(seen.x[label]),
        float(before.sure[old]),
        float(after.sure[new]),
    )


def _alone(detection: Detection) -> Iterator[FoundObject]:
    for index, plane in enumerate(detection.planes):
        measured = _Measured(detection, index)
        labels = np.unique(plane)
        for label in labels[labels > 0].tolist():
            yield _row(index, "found", measured, label, measured, 0)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.6g}"
    return value
