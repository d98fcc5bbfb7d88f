"""Which files of a run's folder training has written, told by their exact names and their cards.

Pure functions on folders, without torch and Qt. A folder may hold other things of the user too,
such as the images, so nothing counts as the run's because of the folder that it lies in.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePath

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import LEFT, replacing
from dgno_core.models.card import read_card_file

#: The settings as they were given, and as they were understood.
CONFIG, RESOLVED = "config.yaml", "config.json"
SETTINGS = (CONFIG, RESOLVED)
#: Every event, and a table of losses and scores.
LOG, TABLE = "log.jsonl", "log.csv"
CHECKPOINT = "last.pt"
#: The process that trains, the one that was started to do so, what it complained of, and the file
#: that asks it to stop.
LOCK, LAUNCH, ERRORS, STOP = "running.json", "launched.json", "errors.txt", "stop"
#: One of them is in every folder in which a run has begun, or is about to.
TRACES = (LOG, CHECKPOINT, LAUNCH, RESOLVED)
BEST = "best.safetensors"
PICTURES = "pictures"
PARTS = "parts"
#: Lists the files that were copied into the folder.
COPIES = "copies.json"
FILES = (*SETTINGS, *TRACES, LOCK, STOP, COPIES, "last.part", TABLE, ERRORS)
NUMBERED = re.compile(
    r"not-finite-step-\d{6,}(-process-\d+)?\.safetensors|events\.out\.tfevents\.\d+\..+"
)
PICTURE = re.compile(r"\d+-step-\d{6,}\.png")
EARLIER = re.compile(r"earlier-(\d+)")
HIDDEN = re.compile(rf"\.(?P<name>.+){LEFT.pattern}")


def own_files(folder: Path, name: str) -> list[Path]:
    """Files in a run's folder and below that its training has written.

    Parameters
    ----------
    folder : Path
        The run's folder.
    name : str
        The name of its weights.

    Returns
    -------
    list of Path
    """
    copies = _copies(folder)
    return [path for path in _files(folder) if _is_own(folder, path, name, copies)]


def foreign_files(folder: Path, name: str) -> list[str]:
    """Files, and empty folders, that no training has written; relative to the folder, in order."""
    own = set(own_files(folder, name))
    foreign = [path for path in _files(folder) if path not in own]
    foreign += [
        Path(place)
        for place, folders, files in os.walk(folder)
        if not folders and not files and not _is_place(Path(place).relative_to(folder))
    ]
    return sorted(path.relative_to(folder).as_posix() for path in foreign)


def files_in(folder: Path) -> frozenset[str]:
    """Files in a folder and below, relative to it."""
    return frozenset(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()
    )


def is_weights(path: Path, name: str) -> bool:
    """Whether a file holds weights that the training of this name has written."""
    if path.name not in (BEST, f"{name}.safetensors"):
        return False
    try:
        card = read_card_file(path)
    except DGNOError:
        return False
    return card.name == name and card.progress is not None


def write_copies(folder: Path, names: Collection[str]) -> None:
    """Record which files were copied into a run's folder, so that they are deleted with it.

    Parameters
    ----------
    folder : Path
        The run's folder.
    names : collection of str
        Relative to the folder, with ``/``.

    Raises
    ------
    DGNOError
        If it cannot be written.
    """
    with replacing(folder / COPIES) as part:
        part.write_text(json.dumps(sorted(names), indent=1), encoding="utf-8")


def _copies(folder: Path) -> frozenset[str]:
    try:
        return frozenset(json.loads((folder / COPIES).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return frozenset()


def _files(folder: Path) -> Iterator[Path]:
    """Everything below that is no folder; a link is a file, wherever it leads."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        yield from (Path(place) / name for name in (*links, *files))


def _is_own(folder: Path, path: Path, name: str, copies: Collection[str]) -> bool:
    relative = path.relative_to(folder)
    if relative.as_posix() in copies:
        return True
    match relative.parts:
        case (file,):
            hidden = HIDDEN.fullmatch(file)
            if hidden is not None:
                return hidden["name"] in (*FILES, BEST, f"{name}.safetensors")
            return file in FILES or NUMBERED.fullmatch(file) is not None or is_weights(path, name)
        case (place, file) if place == PICTURES:
            hidden = HIDDEN.fullmatch(file)
            return PICTURE.fullmatch(hidden["name"] if hidden else file) is not None
        case (place, part, *_) if place == PARTS:
            return len(relative.parts) > 2 and _is_own(folder / place / part, path, part, ())
        case (place, *rest) if EARLIER.fullmatch(place):
            is_result = rest[0] == PICTURES or is_weights(path, name)
            return is_result and _is_own(folder / place, path, name, ())
    return False


def _is_place(relative: PurePath) -> bool:
    """Whether training may leave a folder of this name empty."""
    return all(
        part in (PICTURES, PARTS) or EARLIER.fullmatch(part) or relative.parts[number - 1] == PARTS
        for number, part in enumerate(relative.parts)
    )
