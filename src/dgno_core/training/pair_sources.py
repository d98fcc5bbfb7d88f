"""Real pairs as the settings name them, split into those that train and those that validate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from dgno_core.data.datasets import find_dataset
from dgno_core.data.datasets.layout import Contents
from dgno_core.data.grey import as_grey_pairs
from dgno_core.data.paired_folders import paired_folders, unlabelled_folder
from dgno_core.data.pairs import FocusPair, ImageRef, Readable, Region, restrict
from dgno_core.data.stack_planes import stack_planes
from dgno_core.errors import DGNOError
from dgno_core.focus.pairs import StackPairs, stack_pairs
from dgno_core.io.source import SMALLEST
from dgno_core.training.data_config import (
    ExtraSetData,
    FolderData,
    PairsConfig,
    SetData,
    StackData,
    UnlabelledData,
)

SHOWN = 5  # faults of a data set that are told one by one


@dataclass
class DataSplit:
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


def split(data: PairsConfig) -> DataSplit:
    """Find the pairs of a run.

    Parameters
    ----------
    data : PairsConfig
        Where they come from.

    Returns
    -------
    DataSplit

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
        case ExtraSetData():
            found = _extra_set(data)
        case SetData():
            found = _set(data)
        case UnlabelledData():
            found = DataSplit(train=unlabelled_folder(data.folder))
    if data.grey:
        found.train, found.held_out = map(as_grey_pairs, (found.train, found.held_out))
    return found


def _folders(data: FolderData) -> DataSplit:
    pairs = paired_folders(
        data.blurred,
        data.sharp,
        blurred_pattern=data.blurred_pattern,
        sharp_pattern=data.sharp_pattern,
    )
    # Images that share a target show one place: they train or validate together.
    places = list(dict.fromkeys(map(_place, pairs)))
    if len(places) < 2:
        raise DGNOError(
            f"{data.blurred} and {data.sharp} hold a single sharp image or stack; at least 2 are "
            "needed, one of them for validation."
        )
    checked = set(places[:: data.held_out_every])
    train = [pair for pair in pairs if _place(pair) not in checked]
    return DataSplit(train, [pair for pair in pairs if _place(pair) in checked])


def _place(pair: FocusPair) -> Path | Readable | None:
    """What the pairs of one place have in common: the file of their target, with all its planes."""
    return pair.sharp.path if isinstance(pair.sharp, ImageRef) else pair.sharp


def _stacks(data: StackData) -> DataSplit:
    found = DataSplit()
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
        train, held_out = rows_apart(made, Path(path).name, data.rows, data.gap)
        found.train += train
        found.held_out += held_out
    return found


def _describe(name: str, planes: int, pairs: int, best: int) -> str:
    return f"{name}: {planes} planes, {pairs} pairs; plane {best} (from 0 on) is in best focus."


def rows_apart(
    made: StackPairs, name: str, rows: tuple[float, float], gap: int
) -> tuple[list[FocusPair], list[FocusPair]]:
    """Divide the pairs of one stack by rows of the plane in focus.

    Parameters
    ----------
    made : StackPairs
        Pairs of the whole field or of tiles.
    name : str
        Of the stack, for errors.
    rows : tuple of float
        The part of the height that trains; the larger remaining part validates.
    gap : int
        Rows between both that do neither.

    Returns
    -------
    train, held_out : list of FocusPair
        Cut to their rows; tiles with too few rows on a side are left out there.

    Raises
    ------
    DGNOError
        If one side has no pairs.
    """
    height = made.shape[0]
    top, bottom = (round(height * part) for part in rows)
    below = height - bottom >= top
    rest = Region(bottom + gap, height) if below else Region(0, max(0, top - gap))
    train = _cut(made, Region(top, bottom), "train")
    held_out = _cut(made, rest, "val")
    if not train or not held_out:
        side = "validate on others" if train else "train on some"
        raise DGNOError(
            f"Of the {height} rows of {name}, too few are left in its pairs to {side}: at least "
            f"{SMALLEST} are needed on each side. Now data.rows is {list(rows)} and data.gap is "
            f"{gap}; make the gap smaller, or the parts more equal."
        )
    return train, held_out


def _cut(made: StackPairs, part: Region, split: str) -> list[FocusPair]:
    """The pairs that have enough of a part, cut to it."""
    cut = restrict(made.pairs, part, split)
    return [pair for pair in cut if _rows(pair.region or part, made.shape[0]) >= SMALLEST]


def _rows(region: Region, height: int) -> int:
    return len(range(*region.index[0].indices(height)))


def _set(data: SetData) -> DataSplit:
    layout = find_dataset(data.name, planes=data.planes)
    if layout.about.labelled == "unlabelled":
        raise DGNOError(
            f"The images of {data.name} have no sharp partners, so they cannot be data; they can "
            "be extra data (extra)."
        )
    contents = layout.scan(data.root)
    train, held_out = contents.split("train"), contents.split("val")
    if not train:
        raise DGNOError(
            f"{data.root} holds no training pairs of {data.name}; see dgno data check {data.name}."
        )
    return DataSplit(list(train), list(held_out), _fault_notes(contents, data.name))


def _extra_set(data: ExtraSetData) -> DataSplit:
    """Images beside those that train: whatever has no targets is not for scoring either."""
    layout = find_dataset(data.name, planes=data.planes)
    is_labelled = layout.about.labelled == "pairs"
    splits = data.splits or (("train", "val") if is_labelled else ("train", "val", "test"))
    contents = layout.scan(data.root)
    images = list(contents.split("+".join(splits)))
    if not images:
        raise DGNOError(
            f"{data.root} holds no images of {data.name} for {' and '.join(splits)}; see dgno "
            f"data check {data.name}."
        )
    if not data.labels:
        images = [replace(image, sharp=None) for image in images]
    return DataSplit(images, notes=_fault_notes(contents, data.name))


def _fault_notes(contents: Contents, name: str) -> list[str]:
    """What is wrong with a data set, the first few faults one by one."""
    notes = [str(fault) for fault in contents.faults[:SHOWN]]
    if len(contents.faults) > SHOWN:
        more = len(contents.faults) - SHOWN
        notes.append(f"{more} more faults: see dgno data check {name}.")
    return notes
