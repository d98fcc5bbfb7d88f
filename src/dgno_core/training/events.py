"""What a training run reports while it runs. `to_json` gives the line that is logged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from dgno_core.events import AnyFloat, Event


@dataclass(frozen=True)
class TrainEvent(Event):
    """Base of all events of a training run."""


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
    loss: AnyFloat
    lr: AnyFloat
    seconds: AnyFloat
    waited: AnyFloat


@dataclass(frozen=True)
class BatchSkipped(TrainEvent):
    """An image could not be read; another batch was taken in its place."""

    former_names: ClassVar[tuple[str, ...]] = ("BatchReplaced",)
    step: int
    message: str


@dataclass(frozen=True)
class Validated(TrainEvent):
    """PSNR in dB (and SSIM) on whole held-out images, of the input and of the averaged weights.

    `is_best` tells whether ``best.safetensors`` was written.
    """

    step: int
    blurred: AnyFloat
    psnr: AnyFloat
    ssim: AnyFloat
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
