"""What a training run reports while it runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainEvent:
    """Base of all events."""

    def to_dict(self) -> dict[str, Any]:
        """The event as plain JSON types, with its kind."""
        values = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(self).items()}
        return {"event": type(self).__name__, **values}


@dataclass(frozen=True)
class TrainStarted(TrainEvent):
    """The run begins, or goes on at `step`."""

    step: int
    total: int
    parameters: int
    images: int
    held_out: int
    device: str


@dataclass(frozen=True)
class StepDone(TrainEvent):
    """One optimiser step; `seconds` of wall clock, loss before the step."""

    step: int
    total: int
    loss: float
    lr: float
    seconds: float


@dataclass(frozen=True)
class Validated(TrainEvent):
    """PSNR in dB on held-out crops, of the input and of the averaged weights' output."""

    step: int
    blurred: float
    psnr: float


@dataclass(frozen=True)
class CheckpointSaved(TrainEvent):
    """A checkpoint from which the run can go on."""

    step: int
    path: Path


@dataclass(frozen=True)
class TrainFinished(TrainEvent):
    """The weights are written."""

    step: int
    path: Path
