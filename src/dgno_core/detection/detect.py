"""Detecting objects plane by plane, in one image or in two that belong together."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.detection.config import DEFAULTS, DetectConfig
from dgno_core.detection.models import Detector
from dgno_core.detection.results import DetectionFound
from dgno_core.interpretation.events import StepDone, Warned
from dgno_core.io.source import ArrayLike, ImageSource

Source = ImageSource | ArrayLike | str | Path
DetectEvent = StepDone | Warned | DetectionFound


def detect(
    image: Source,
    model: str | Path | Detector = DEFAULTS.detector,
    *,
    axes: str | None = None,
    **settings: Any,
) -> NDArray[np.int32]:
    """Detect the objects of an image: ``(..., Y, X)`` labels, 0 for background."""
    raise NotImplementedError


def detect_events(
    before: Source,
    after: Source | None = None,
    config: DetectConfig = DEFAULTS,
    *,
    truth: Source | None = None,
    detector: Detector | None = None,
) -> Generator[DetectEvent, None, None]:
    """Detect objects in one or two images, reporting on the way; closing it cancels.

    Yields
    ------
    DetectEvent
        `StepDone` for each plane of each image, `Warned`, last of all `DetectionFound`.
    """
    raise NotImplementedError
    yield
