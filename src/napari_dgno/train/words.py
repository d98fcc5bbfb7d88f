"""Says what the core says in words of the Train panel.

The core speaks of settings in a file and of options of a command. Whoever sits in front of the
panel has neither.
"""

from __future__ import annotations

import re

from dgno_core.training.runs.presets import Pace
from napari_dgno.shared.time_left import in_words

#: What the core writes, as a regular expression, and what the panel says in its place.
WORDS: tuple[tuple[str, str], ...] = (
    # Numbers that the panel can change.
    (r"A smaller crop would be better\.", "Choose a smaller crop under Advanced."),
    (r"lower optim\.lr, then (resume|start again)",
     "start a new training with a lower learning rate (under Advanced)"),
    (r"make batch or crop smaller", "choose fewer crops a step or a smaller crop under Advanced"),
    (r"give more steps to go on", "start a new training with more steps (under Advanced)"),
    # What follows from the choice of images.
    (r"Now data\.rows is .*? and data\.gap is .*?; make the gap smaller, or the parts more equal\.",
     "Choose images with more rows."),
    (r"; set data\.root", "; choose another one"),
    (r"give equal names, or patterns", "give the two images of a pair the same name"),
    (r"keep one of them, or give another pattern", "keep one of them"),
    (r"; give two folders, or patterns that tell them apart", "; choose two folders"),
    (r"; register them before training", "; align them before you train on them"),
    (r"The config (\S+) is not complete or not right", r"The settings in \1 do not fit"),
    (r"; leave out `model` to take theirs", "; start from other weights"),
    (r": leave out model\.lifting, or choose a base with [^.]+", "; start from other weights"),
    # Runs.
    (r"resume it with --resume or choose another folder", "resume it, or choose another name"),
    (r"; start without --resume", "; start a new training"),
    (r"start again in another folder", "start a new training"),
    (r"start again from the weights beside it \(start: (.*?)\)",
     r"start a new training from the weights \1"),
    # The machine.
    (r"engine\.devices is (\d+)", r"\1 devices are asked for"),
    (r"; set engine\.devices to 1", ""),
    (r"; change engine\.precision", ""),
    (r"[;:] see dgno data check .*?(?=\.?$)", ""),
)  # fmt: skip


def in_panel_words(text: str) -> str:
    """Say a sentence of the core so that it names what the panel has."""
    for said, better in WORDS:
        text = re.sub(said, better, text)
    return text


def in_numbers(steps: int | None, batch: int, crop: int) -> str:
    """Say in numbers what a run does; without the steps if these are not known yet."""
    crops = "1 crop" if batch == 1 else f"{batch} crops"
    first = "Steps" if steps is None else f"{steps:,} steps".replace(",", "\u202f")
    return f"{first} of {crops} of {crop} × {crop} pixels"


def in_time(steps: int, pace: Pace) -> str:
    """Say how long a run takes on this computer."""
    step = f"{pace.step:.1f} s" if pace.step >= 0.1 else f"{1000 * pace.step:.0f} ms"
    return f"about {in_words(pace.seconds(steps))} on this computer ({step} a step)"
