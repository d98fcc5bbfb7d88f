"""How long and how thoroughly to train, in three sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from dgno_core.events import Event

#: Validations of a run, and checkpoints between two of them.
VALIDATIONS = 10
CHECKPOINTS = 2
#: A run of fewer steps teaches nothing, however slow the computer is.
FEWEST_STEPS = 30
#: Learning rates of a run that starts from scratch.
BOLDLY: dict[str, Any] = {"lr": 1e-3, "final_lr": 1e-5, "warmup": 50}
#: What fine-tuning changes: trained weights are nudged, not thrown about.
GENTLY: dict[str, Any] = {"lr": 2e-4, "final_lr": 1e-5, "warmup": 20}


@dataclass(frozen=True)
class Preset:
    """Settings of a run that go together.

    Parameters
    ----------
    title : str
        What a user reads.
    text : str
        What it means, in one or two sentences.
    steps : int
        Steps; where there are `minutes`, at most so many.
    minutes : float or None
        How long it takes: as many steps are done as fit, once it is known how long one takes.
    batch, crop : int
        Crops a step, and side of the crops in pixels.
    network : str
        Architecture of a run that starts from scratch.
    held_out : int
        Images that validate, at most.
    optim : dict
        Learning rates of a run that starts from scratch.
    """

    title: str
    text: str
    steps: int
    minutes: float | None
    batch: int
    crop: int
    network: str
    held_out: int
    optim: dict[str, Any] = field(default_factory=lambda: BOLDLY)


@dataclass(frozen=True)
class Pace(Event):
    """What was measured on this computer.

    Parameters
    ----------
    step, validation : float
        Seconds of one step, and of one validation at most.
    """

    step: float
    validation: float

    def seconds(self, steps: int) -> float:
        """Seconds of a run of so many steps, its validations included."""
        return steps * self.step + math.ceil(steps / validate_every(steps)) * self.validation

    def steps_in(self, seconds: float) -> int:
        """Steps of a run that takes so long, its validations included."""
        return int((seconds - VALIDATIONS * self.validation) / max(self.step, 1e-6))


def validate_every(steps: int) -> int:
    """Steps between two validations of a run."""
    return max(1, math.ceil(steps / VALIDATIONS))


def checkpoint_every(steps: int) -> int:
    """Steps between two checkpoints of a run, so that little is lost if it is cut off."""
    return min(max(1, validate_every(steps) // CHECKPOINTS), 500)


def count_steps(preset: Preset, pace: Pace | None, wished: int | None = None) -> int:
    """Steps of a run.

    Parameters
    ----------
    preset : Preset
        Its preset.
    pace : Pace or None
        How fast the computer is, if that has been measured.
    wished : int, optional
        What the user wants in place of what the preset says.
    """
    if wished is not None:
        return wished
    if preset.minutes is None or pace is None:
        return preset.steps
    fitting = pace.steps_in(60 * preset.minutes)
    return min(max(_rounded(fitting), FEWEST_STEPS), preset.steps)


def _rounded(steps: int) -> int:
    """Round down to two digits, which is how exactly the time of a step is known."""
    unit = 10 ** max(len(str(max(steps, 1))) - 2, 0)
    return steps // unit * unit


PRESETS: dict[str, Preset] = {
    "quick": Preset(
        "Quick: about 10 minutes",
        "A first look. Enough to see whether the pairs are right.",
        steps=3000,
        minutes=10,
        batch=4,
        crop=96,
        network="dgno-cell-small",
        held_out=2,
    ),
    "normal": Preset(
        "Normal: about an hour",
        "For a model that you mean to use.",
        steps=10_000,
        minutes=60,
        batch=4,
        crop=128,
        network="dgno-cell-small",
        held_out=4,
    ),
    "paper": Preset(
        "As in the paper",
        "The sizes of the DGNO paper, from scratch with its large network; for a large graphics "
        "card.",
        steps=300_000,
        minutes=None,
        batch=8,
        crop=256,
        network="dgno-cell",
        held_out=6,
        optim={"lr": 3e-4, "final_lr": 1e-6, "warmup": 1000},
    ),
}
