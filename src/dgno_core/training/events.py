"""What a training run reports while it runs. `to_dict` is the line that ``--events`` writes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


def _plain(value: Any) -> Any:
    """A value that JSON has: it knows no infinity, which is the PSNR of equal images."""
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True)
class TrainEvent:
    """Base of all events."""

    def to_dict(self) -> dict[str, Any]:
        """The event as plain JSON types, with its kind."""
        values = {key: _plain(value) for key, value in asdict(self).items()}
        return {"event": type(self).__name__, **values}


@dataclass(frozen=True)
class TrainStarted(TrainEvent):
    """The run begins, or goes on at `step`; `images` train and `held_out` validate.

    `notes` are sentences about the data, such as which plane of a stack is the target.
    """

    step: int
    total: int
    parameters: int
    images: int
    held_out: int
    device: str
    out: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepDone(TrainEvent):
    """One optimiser step; the loss before it, wall-clock seconds, those waiting for data too."""

    step: int
    total: int
    loss: float
    lr: float
    seconds: float
    waited: float


@dataclass(frozen=True)
class BatchReplaced(TrainEvent):
    """An image could not be read; another batch was taken in its place."""

    step: int
    message: str


@dataclass(frozen=True)
class Validated(TrainEvent):
    """PSNR in dB (and SSIM) on whole held-out images, of the input and of the averaged weights.

    `is_best` tells whether ``best.safetensors`` was written.
    """

    step: int
    blurred: float
    psnr: float
    ssim: float
    is_best: bool


@dataclass(frozen=True)
class PictureSaved(TrainEvent):
    """A held-out image as PNG: input, output and target side by side."""

    step: int
    path: Path


@dataclass(frozen=True)
class CheckpointSaved(TrainEvent):
    """A checkpoint from which the run can go on."""

    step: int
    path: Path


@dataclass(frozen=True)
class TrainStopped(TrainEvent):
    """The run stopped before its last step, resumably; `path` are the weights so far."""

    step: int
    total: int
    reason: str
    path: Path


@dataclass(frozen=True)
class TrainFinished(TrainEvent):
    """The weights are written: those of the last step; `best` are those of the best validation."""

    step: int
    path: Path
    best: Path | None
