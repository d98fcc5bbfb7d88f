"""How long and how thoroughly to train, in three sizes; knows no Qt and no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """Settings of a run that go together.

    Parameters
    ----------
    title : str
        What the panel calls it.
    text : str
        What it means, in one or two sentences.
    steps, batch, crop : int
        Steps, crops a step, and side of the crops in pixels.
    network : str
        Architecture of a run that starts from scratch.
    validate_every, checkpoint_every : int
        Steps between two validations, and between two checkpoints.
    held_out : int
        Images that validate, at most.
    optim : dict
        Of a run that starts from scratch, in place of the engine's own.
    """

    title: str
    text: str
    steps: int
    batch: int
    crop: int
    network: str
    validate_every: int
    checkpoint_every: int
    held_out: int
    optim: dict[str, Any] = field(default_factory=dict)


#: What fine-tuning changes: trained weights are nudged, not thrown about.
GENTLY: dict[str, Any] = {"lr": 2e-4, "final_lr": 1e-5, "warmup": 20}

PRESETS: dict[str, Preset] = {
    "quick": Preset(
        "Quick",
        "A first look. Enough to see whether the pairs are right; some minutes on a processor.",
        steps=300,
        batch=4,
        crop=96,
        network="dgno-cell-small",
        validate_every=50,
        checkpoint_every=25,
        held_out=2,
    ),
    "normal": Preset(
        "Normal",
        "For a model that you mean to use; about an hour on a processor, minutes on a graphics "
        "card.",
        steps=3000,
        batch=4,
        crop=128,
        network="dgno-cell-small",
        validate_every=100,
        checkpoint_every=50,
        held_out=4,
    ),
    "paper": Preset(
        "Paper",
        "The sizes of the DGNO paper, from scratch with its large network. Days, and only on a "
        "large graphics card.",
        steps=300_000,
        batch=8,
        crop=256,
        network="dgno-cell",
        validate_every=2000,
        checkpoint_every=500,
        held_out=6,
        optim={"lr": 3e-4, "final_lr": 1e-6, "warmup": 1000},
    ),
}


def in_numbers(preset: Preset) -> str:
    """Say what the preset is in numbers."""
    crops = "1 crop" if preset.batch == 1 else f"{preset.batch} crops"
    return (f"{preset.steps:,} steps of {crops} of {preset.crop} × {preset.crop} pixels.").replace(
        ",", "\u202f"
    )
