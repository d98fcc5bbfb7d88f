"""Real pairs as the settings name them, divided into those that train and those that validate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dgno_core.data.datasets import find_dataset
from dgno_core.data.grey import as_grey_pairs
from dgno_core.data.paired_folders import paired_folders, unlabelled_folder
from dgno_core.data.pairs import FocusPair, Region, restrict
from dgno_core.data.stack_pairs import stack_pairs
from dgno_core.data.stack_planes import stack_planes
from dgno_core.errors import DGNOError
from dgno_core.training.data_config import (
    FolderData,
    PairsConfig,
    SetData,
    StackData,
    UnlabelledData,
)

SHOWN = 5  # faults of a data set that are told one by one


@dataclass
class Division:
    """Pairs by purpose.

    Parameters
    ----------
    train, held_out
        Pairs that train, and that validate.
    notes
        Sentences for the user.
    """

    train: list[FocusPair] = field(default_factory=list)
    held_out: list[FocusPair] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def divide(data: PairsConfig) -> Division:
    """Find the pairs of a run.

    Parameters
    ----------
    data : PairsConfig
        Where they come from.

    Returns
    -------
    Division

    Raises
    ------
    DGNOError
        If there are none, or they do not fit together.
    """
    match data:
        case FolderData():
            found = _folders(data)
        case StackData():
            found = _stacks(data)
        case SetData():
            found = _set(data)
        case UnlabelledData():
            found = Division(train=unlabelled_folder(data.folder))
    if data.grey:
        found.train, found.held_out = map(as_grey_pairs, (found.train, found.held_out))
    return found


def _folders(data: FolderData) -> Division:
    pairs = paired_folders(
        data.blurred,
        data.sharp,
        blurred_pattern=data.blurred_pattern,
        sharp_pattern=data.sharp_pattern,
    )
    held_out = pairs[:: data.held_out_every]
    train = [pair for i, pair in enumerate(pairs) if i % data.held_out_every]
    if not train:
        raise DGNOError(
            f"{data.blurred} and {data.sharp} make one pair only; at least 2 are needed, one of "
            "them for validation."
        )
    return Division(train, held_out)


def _stacks(data: StackData) -> Division:
    found = Division()
    for path in data.stacks:
        planes = stack_planes(path)
        made = stack_pairs(
            planes,
            Path(path).stem,
            sharp=data.sharp,
            planes=data.planes,
            offsets=data.offsets,
            measure=data.measure,
            registered=data.registered,
        )
        found.notes.append(
            _describe(Path(path).name, len(planes), len(made.pairs), made.best.index)
        )
        found.notes += made.warnings
        train, held_out = rows_apart(made.pairs, data.rows, data.gap)
        found.train += train
        found.held_out += held_out
    return found


def _describe(name: str, planes: int, pairs: int, best: int) -> str:
    return f"{name}: {planes} planes, {pairs} pairs; plane {best} (from 0 on) is in best focus."


def rows_apart(
    pairs: Sequence[FocusPair], rows: tuple[float, float], gap: int
) -> tuple[list[FocusPair], list[FocusPair]]:
    """Divide the pairs of one stack by rows of the image.

    Parameters
    ----------
    pairs : sequence of FocusPair
        Of one stack.
    rows : tuple of float
        The part of the height that trains; the larger remaining part validates.
    gap : int
        Rows between both that do neither.

    Returns
    -------
    train, held_out : list of FocusPair

    Raises
    ------
    DGNOError
        If the images are not high enough for both.
    """
    train, held_out = [], []
    for pair in pairs:
        height = pair.read()[0].shape[0]
        first = 0 if pair.region is None else pair.region.top
        top, bottom = (first + round(height * part) for part in rows)
        above, below = top - first, first + height - bottom
        rest = (bottom + gap, first + height) if below >= above else (first, top - gap)
        if rest[1] - rest[0] < gap + 1 or bottom <= top:
            raise DGNOError(
                f"{pair.name} has {height} rows, too few to train on some and validate on others; "
                "change data.rows or data.gap."
            )
        left, right = (None, None) if pair.region is None else (pair.region.left, pair.region.right)
        parts = [Region(start, stop, left or 0, right) for start, stop in ((top, bottom), rest)]
        train += restrict([pair], parts[0], "train")
        held_out += restrict([pair], parts[1], "val")
    return train, held_out


def _set(data: SetData) -> Division:
    contents = find_dataset(data.name, planes=data.planes).scan(data.root)
    train, held_out = contents.split("train"), contents.split("val")
    if not train:
        raise DGNOError(
            f"{data.root} holds no training pairs of {data.name}; see dgno data check {data.name}."
        )
    notes = [str(fault) for fault in contents.faults[:SHOWN]]
    if len(contents.faults) > SHOWN:
        notes.append(
            f"{len(contents.faults) - SHOWN} more faults: see dgno data check {data.name}."
        )
    return Division(list(train), list(held_out), notes)
