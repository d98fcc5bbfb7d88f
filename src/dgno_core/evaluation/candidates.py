"""Which models are judged, and on which images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dgno_core.evaluation.public_set import EvaluationRow
from dgno_core.evaluation.restorer import (
    ImageRestorer,
    StackRestorer,
    packaged_restorer,
    packaged_stack_restorer,
)

ALL, AUTO = "all", "auto"
# Models for one kind of images only; others take all groups that are grey, or in colour, as they.
ONLY: dict[str, tuple[str, ...]] = {
    "dgno-cell-strong": ("bbbc039",),
}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model and what it is judged on.

    Parameters
    ----------
    rows
        Images of the public set.
    restorer
        The model.
    stack_restorer
        The model for the real stack; None where that is not its task.
    """

    rows: tuple[EvaluationRow, ...]
    restorer: ImageRestorer
    stack_restorer: StackRestorer | None = None


def candidates(
    model: str,
    rows: Sequence[EvaluationRow],
    *,
    device: str = "auto",
    model_folder: Path | None = None,
    groups: Sequence[str] = (),
) -> list[Candidate]:
    """Choose models and give each the images it is for.

    Parameters
    ----------
    model
        Name or file of weights; ``"auto"`` for the two that restoring takes by default, ``"all"``
        for all that are packaged or in the model folder.
    rows
        The images.
    device, model_folder
        As in `dgno_core.inference.RestoreConfig`.
    groups
        Groups that were asked for by name: a grey model then takes also those in colour.

    Returns
    -------
    list of Candidate
        Those that have any image, or can restore the stack.

    Raises
    ------
    DGNOError
        If there is no such model, or its card cannot be read.
    """
    from dgno_core.models import default_weights, read_card, weights_names

    folder = None if model == AUTO else model_folder
    names = {
        ALL: weights_names(folder, fetched=False),
        AUTO: [default_weights(colour=False), default_weights(colour=True)],
    }.get(model, [model])
    found = []
    for name in names:
        card = read_card(name, folder)
        colour = card.channels == 3
        chosen = tuple(
            row
            for row in rows
            if row.group in ONLY.get(card.name, (row.group,))
            and (row.is_colour == colour or (groups and model not in (ALL, AUTO) and not colour))
        )
        restorer = packaged_restorer(name, device, folder)
        stack = None if colour else packaged_stack_restorer(name, device, folder)
        found.append(Candidate(chosen, restorer, stack))
    return found
