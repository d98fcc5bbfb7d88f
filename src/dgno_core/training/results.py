"""The weights that a run gives, with their card."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import torch

from dgno_core.data.sharp_images import PERCENTILES
from dgno_core.io.atomic import writing
from dgno_core.io.normalise import FULL
from dgno_core.models.card import ModelCard, TrainingProgress, read_card_file
from dgno_core.models.checkpoint import save_model
from dgno_core.models.network import Network
from dgno_core.training.config import TrainConfig
from dgno_core.training.runs.files import BEST, EARLIER, PICTURE, PICTURES
from dgno_core.training.state import TrainState

# Of every model whose recipe does not say it better.
NOT_FOR = ("diagnosis", "images unlike those that it was trained on")
BLURRED, RESTORED, SSIM = (
    "validation: blurred, dB",
    "validation: restored, dB",
    "validation: restored, SSIM",
)


def set_aside(config: TrainConfig) -> None:
    """Move what a run would replace into a folder of its own, ``earlier-1`` and so on.

    Of a run that begins anew, weights and pictures are its own; nothing that somebody may still
    want is deleted, and what the run does not write stays where it is. The logs go on: they tell
    where the new run begins.

    Parameters
    ----------
    config : TrainConfig
        Of the run that is about to begin, its data and weights open.

    Raises
    ------
    DGNOError
        If the files cannot be moved.
    """
    out = config.out
    pictures = sorted((out / PICTURES).glob("*.png"))
    left = [path for path in (out / BEST, config.weights) if path.is_file()]
    left += [path for path in pictures if PICTURE.fullmatch(path.name)]
    if not left:
        return
    found = (EARLIER.fullmatch(path.name) for path in out.iterdir())
    number = 1 + max((int(match[1]) for match in found if match), default=0)
    aside = out / f"earlier-{number}"
    with writing(aside):
        for path in left:
            target = aside / path.relative_to(out)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        with contextlib.suppress(OSError):  # there is no such folder, or it is not empty
            (out / PICTURES).rmdir()


def is_done(config: TrainConfig) -> bool:
    """Whether a run, or a part of one, has written the weights of its last step."""
    if not config.weights.is_file():
        return False
    progress = read_card_file(config.weights).progress
    return progress is not None and progress.step >= config.steps


def save_weights(state: TrainState, config: TrainConfig, path: Path) -> Path:
    """Write the averaged weights in float16, with a card of what made them.

    Parameters
    ----------
    state : TrainState
        The run so far.
    config : TrainConfig
        Its settings.
    path : Path
        The file; replaced whole or not at all.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    DGNOError
        If the file cannot be written.
    """
    model = state.average
    assert isinstance(model, Network)
    text = config.card
    degrade = getattr(config.data, "degrade", None)
    normalisation = getattr(config.data, "normalisation", "shared")
    card = ModelCard(
        name=config.name,
        title=text.title,
        summary=text.summary,
        config=config.model,
        # As the images of the training were scaled, so are those that it will restore.
        percentiles=FULL if normalisation == "minmax" else PERCENTILES,
        scaling="type" if normalisation == "type" else "percentiles",
        blur_px=None if degrade is None else (0.0, degrade.max_width),
        pixel_size_um=text.pixel_size_um,
        # What the weights were before is still in them.
        data=tuple(dict.fromkeys([*state.start.get("data", ()), *text.data])),
        licences=tuple(dict.fromkeys([*state.start.get("licences", ()), *text.licences])),
        recipe=json.dumps(_recipe(state, config)),
        budget=_budget(state, config),
        progress=_progress(state, config),
        scores={name: _plain(score) for name, score in state.scores.items()},
        # What the weights were before they were trained on other images says nothing of these.
        not_for=text.not_for or NOT_FOR,
    )
    save_model(model, card, path, dtype=torch.float16)
    return path


def _recipe(state: TrainState, config: TrainConfig) -> dict[str, Any]:
    start = {key: state.start[key] for key in ("name", "weights_sha256") if key in state.start}
    return {**config.recipe, "start": start or None, "history": state.history}


def _budget(state: TrainState, config: TrainConfig) -> str:
    crops = config.batch * config.accumulate * config.engine.devices
    steps = f"{state.step} steps" + ("" if state.step == config.steps else f" of {config.steps}")
    begun = f", begun from {state.start['name']}" if "name" in state.start else ""
    return f"{steps} of {crops} crops of {config.crop} pixels{begun}"


def _progress(state: TrainState, config: TrainConfig) -> TrainingProgress:
    """How far the run is; without held-out images nothing was scored, whatever was due."""
    return TrainingProgress(
        step=state.step,
        steps=config.steps,
        validated=state.validated if state.scores else None,
        blurred=_finite(state.scores.get(BLURRED)),
        psnr=_finite(state.scores.get(RESTORED)),
    )


def _finite(score: float | None) -> float | None:
    return score if score is not None and math.isfinite(score) else None


def _plain(score: float) -> float | str:
    """A score that JSON has: it knows no infinity, which is the PSNR of equal images."""
    return score if math.isfinite(score) else str(score)
