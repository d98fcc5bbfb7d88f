"""The objects of a comparison, painted with a number each; knows no Qt.

An object's number is its place in the core's list, from 1, over all planes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dgno_core.detection import DetectionFound
    from dgno_core.detection.objects import FoundObject


def paint(found: DetectionFound, objects: Sequence[FoundObject]) -> np.ndarray:
    """Paint every object with its number, in the shape of the labels before; 0 is background.

    A matched object is painted as it is after. Where two objects lie upon each other, the one found
    after restoring is seen.
    """
    before = found.before.planes
    after = np.zeros_like(before) if found.after is None else found.after.planes
    tables_before = [np.zeros(int(plane.max(initial=0)) + 1, np.int32) for plane in before]
    tables_after = [np.zeros(int(plane.max(initial=0)) + 1, np.int32) for plane in after]
    for number, item in enumerate(objects, start=1):
        if item.label_after:
            tables_after[item.plane][item.label_after] = number
        else:
            tables_before[item.plane][item.label_before] = number
    painted = []
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        seen = tables_after[index][new]
        painted.append(np.where(seen, seen, tables_before[index][old]))
    return found.before.like_labels(np.stack(painted))
