"""What became of each object, as a picture: matched, lost or gained, in colours told apart by all.

The colours are of Okabe and Ito's set, which readers with any colour vision tell apart, and light
enough for a dark micrograph.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dgno_core.detection.results import DetectionFound

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
    alone: Status = "lost" if side == "before" else "gained"
    painted = []
    for plane, match in zip(detection.planes, found.matches, strict=True):
        table = np.zeros(int(plane.max(initial=0)) + 1, np.uint8)
        table[match.pairs[:, 0 if side == "before" else 1]] = STATUS_VALUES["matched"]
        table[match.lost if side == "before" else match.gained] = STATUS_VALUES[alone]
        painted.append(table[plane])
    return detection.like_labels(np.stack(painted))
