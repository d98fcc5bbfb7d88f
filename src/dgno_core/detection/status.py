"""What became of each object, as a picture: matched, lost or gained, in colours told apart by all.

The colours are of Okabe and Ito's set, which readers with any colour vision tell apart, and light
enough for a dark micrograph.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dgno_core.detection.results import DetectionFound
from dgno_core.metrics.matching import Match

Status = Literal["matched", "lost", "gained"]

STATUS_VALUES: dict[Status, int] = {"matched": 1, "lost": 2, "gained": 3}
STATUS_COLOURS: dict[Status, str] = {"matched": "#56b4e9", "lost": "#e66100", "gained": "#f0e442"}
STATUS_WORDS: dict[Status, str] = {
    "matched": "in both images",
    "lost": "before only",
    "gained": "after only",
}


def status_map(found: DetectionFound, side: Literal["before", "after"]) -> NDArray[np.uint8]:
    """Paint every object of one of the two images with the value of its status.

    Returns
    -------
    numpy.ndarray
        Of the shape of that image's labels: 0 background, 1 matched, 2 lost (before only), 3
        gained (after only); see `STATUS_VALUES`.
    """
    detection = found.before if side == "before" else found.after
    assert detection is not None, "there is no second image"
    planes = zip(detection.planes, found.matches, strict=True)
    return detection.like_labels(np.stack([paint_status(*plane, side) for plane in planes]))


def paint_status(
    labels: NDArray[np.int32], match: Match, side: Literal["before", "after"]
) -> NDArray[np.uint8]:
    """Paint the objects of one plane ``(Y, X)``; see `status_map`."""
    values = np.zeros(int(labels.max(initial=0)) + 1, np.uint8)
    if side == "before":
        values[match.pairs[:, 0]] = STATUS_VALUES["matched"]
        values[match.lost] = STATUS_VALUES["lost"]
    else:
        values[match.pairs[:, 1]] = STATUS_VALUES["matched"]
        values[match.gained] = STATUS_VALUES["gained"]
    painted: NDArray[np.uint8] = values[labels]
    return painted
