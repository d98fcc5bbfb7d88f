"""The models to choose from, and what their cards say in plain words; knows no Qt and no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from dgno_core.errors import DGNOError
from dgno_core.io.units import micrometers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dgno_core.models import ModelCard

AUTOMATIC = "auto"


def model_choices(folder: Path | None) -> list[str]:
    """Names of the packaged models and those in the user's folder; none if that cannot be read."""
    from dgno_core.models import weights_names

    return list(weights_names(folder))


def offered_as(model: str, folder: Path | None) -> str:
    """What a list calls a model: its name, and so that nobody overlooks it if it was never scored.

    Reads the head of the file only.

    Parameters
    ----------
    model : str
        A name, or the path of a file.
    folder : pathlib.Path or None
        The user's model folder.
    """
    from dgno_core.models.card import CARD_KEY, TrainingProgress, read_header
    from dgno_core.models.weights import find_weights

    path = find_weights(model, folder)
    name = path.name if model == str(path) else model
    try:
        told = json.loads(read_header(path).get(CARD_KEY, "{}")).get("progress")
        progress = TrainingProgress.model_validate(told or {})
    except (DGNOError, ValueError, AttributeError):
        return name  # whoever chooses it is told what is wrong with it
    return name if progress.is_validated else f"{name} ({progress.words()})"


def find_card(model: str, *, colour: bool, folder: Path | None) -> ModelCard:
    """Read the card of a model; of the one that ``"auto"`` takes for grey or colour images.

    Reads the head of the file only: that the weights are those of the card is seen when they are
    loaded.

    Raises
    ------
    DGNOError
        If there is no such model or its file cannot be read.
    """
    from dgno_core.models import default_weights, read_card

    name = default_weights(colour) if model == AUTOMATIC else model
    return read_card(name, folder, verify=False)


def summary(card: ModelCard) -> str:
    """Say in a few short sentences what a model is for and what not."""
    parts = [_sentence(card.summary or card.title or card.name)]
    if card.progress is not None:
        words = card.progress.words()
        parts.insert(0 if not card.is_validated else 1, _sentence(words[:1].upper() + words[1:]))
    if card.blur_px is not None:
        low, high = card.blur_px
        parts.append(f"Made for blur of {low:g} to {high:g} pixels.")
    if card.not_for:
        parts.append(_sentence(f"Not for {'; '.join(card.not_for)}"))
    return " ".join(parts)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def pixel_size_note(
    card: ModelCard, pixel_size: Mapping[str, float], units: Mapping[str, str]
) -> str:
    """Say so if the image's pixels are outside what the model has seen; else an empty string."""
    size = micrometers(pixel_size.get("X", 0.0), units.get("X"))
    if card.pixel_size_um is None or not size:
        return ""
    low, high = card.pixel_size_um
    if low <= size <= high:
        return ""
    return (
        f"The pixels of this image are {size:.3g} µm, the model has learnt from {low:g} to "
        f"{high:g} µm: check the result with care."
    )


def check_file(path: Path) -> str:
    """Return the path of a model file as a model name, after reading its card.

    Raises
    ------
    DGNOError
        If the file is no model of ours.
    """
    from dgno_core.models import read_card

    if not path.is_file():
        raise DGNOError(f"There is no model file {path}: choose a .safetensors file.")
    read_card(str(path), verify=False)
    return str(path)
