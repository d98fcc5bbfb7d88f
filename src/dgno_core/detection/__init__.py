"""The objects of an image before and after restoring, found by one and the same StarDist model.

StarDist and TensorFlow are imported when a model is loaded, never before.
"""

from __future__ import annotations

from dgno_core.detection.config import DetectConfig
from dgno_core.detection.results import Detection, DetectionFound
from dgno_core.detection.status import status_map
from dgno_core.metrics.matching import average_precision, count, match

__all__ = [
    "DetectConfig",
    "Detection",
    "DetectionFound",
    "average_precision",
    "count",
    "match",
    "status_map",
]
