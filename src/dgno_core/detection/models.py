"""StarDist models: the packaged one, the authors' pretrained ones, and any folder with one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgno_core.detection.config import PACKAGED


@dataclass(frozen=True)
class Detector:
    """A StarDist model, ready to use.

    Attributes
    ----------
    name
        As it was asked for.
    model
        The `stardist.models.StarDist2D`.
    channels
        1 for grey images, 3 for colour.
    """

    name: str
    model: Any
    channels: int


def detector_names() -> list[str]:
    """Names that `load_detector` knows: the packaged model first, then StarDist's own."""
    return [PACKAGED, "2D_versatile_fluo", "2D_paper_dsb2018", "2D_versatile_he", "2D_demo"]


def why_unavailable() -> str | None:
    """Say in one sentence what to install if StarDist is missing; at once, without importing it."""
    raise NotImplementedError


def load_detector(name_or_folder: str | Path = PACKAGED) -> Detector:
    """Load a model; the first time it takes seconds, as TensorFlow is imported.

    It may run in any thread. TensorFlow is kept off the GPU, which is torch's.
    """
    raise NotImplementedError
