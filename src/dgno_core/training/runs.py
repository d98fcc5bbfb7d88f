"""Renaming and deleting the folder of a run, which holds nothing but what training writes.

Pure functions on folders, without torch and Qt. A run that goes on is left alone, and so is every
file that no training has written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import begin, discard, publish, writing
from dgno_core.models.card import read_card_file, replace_card
from dgno_core.training.claim import CLAIM, STOP, claim, owner, release

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
SETTINGS = ("config.yaml", "config.json")
#: One of them is in every folder in which a run has begun, or is about to.
TRACES = ("log.jsonl", "last.pt", "launched.json", "config.json")
#: What training leaves at the top of a run's folder.
FILES = (
    *SETTINGS,
    *TRACES,
    CLAIM,
    STOP,
    "log.csv",
    "errors.txt",
    "*.safetensors",
    "events.out.tfevents.*",
    "*.part",
    ".*.partial",
)
#: Folders in which only training writes: pictures of validations, and copies of layers.
FOLDERS = ("pictures", "data", "earlier-*")


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run: it has settings, and traces of a training."""
    return (
        folder.is_dir()
        and not folder.is_symlink()
        and any((folder / name).is_file() for name in SETTINGS)
        and any((folder / name).is_file() for name in TRACES)
    )


def foreign_files(folder: Path) -> list[str]:
    """Names in a run's folder that no training writes, in order."""
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if not any(
            fnmatchcase(entry.name, pattern)
            for pattern in (FOLDERS if entry.is_dir() and not entry.is_symlink() else FILES)
        )
    )


def delete_run(folder: Path) -> None:
    """Delete a run: its folder with everything that training wrote there, weights included.

    The folder gets a hidden name first, so a run is there whole or not at all.

    Parameters
    ----------
    folder : Path
        The run's folder.

    Raises
    ------
    DGNOError
        If it is no run, the run goes on, files of others are in the folder, or it cannot be
        deleted; then nothing has changed.
    """
    _check(folder, "deleted")
    if foreign := foreign_files(folder):
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise DGNOError(
            f"{folder} also holds {foreign[0]}{more}, which no training has written: move it "
            "elsewhere, then delete the run."
        )
    hidden = folder.with_name(f".{folder.name}.{os.getpid()}.deleted")
    with _held(folder), writing(folder):
        folder.rename(hidden)
    discard(hidden)


def rename_run(folder: Path, name: str) -> Path:
    """Give a run, and the weights in its folder, another name.

    Parameters
    ----------
    folder : Path
        The run's folder.
    name : str
        The new name of folder and weights: a-z, 0-9 and -, the first one no hyphen.

    Returns
    -------
    Path
        The new folder, beside where the old one was.

    Raises
    ------
    DGNOError
        If it is no run, the run goes on, the name is unusable or taken, or files cannot be written.
    """
    if not NAME.fullmatch(name):
        raise DGNOError(
            f"{name!r} cannot be the name of a model: take a-z, 0-9 and -, beginning with a letter "
            "or digit."
        )
    new = folder.with_name(name)
    _check(folder, "renamed")
    if new.exists():
        raise DGNOError(f"{new} exists already: choose another name.")
    old = _name_of(folder)
    with _held(folder), writing(new):
        for weights in sorted(folder.glob("*.safetensors")):
            _rename_weights(weights, old, name)
        for file in SETTINGS:
            _rename_in_settings(folder / file, name, new)
        folder.rename(new)
    release(new)
    return new


def _check(folder: Path, what: str) -> None:
    if not is_run(folder):
        raise DGNOError(f"{folder} is not the folder of a run, and cannot be {what} as one.")
    found = owner(folder)
    if found is not None:
        raise DGNOError(
            f"{folder.name} is training (process {found.pid} on {found.host}) and cannot be "
            f"{what}: stop it first."
        )


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep trainings out of a folder; one that has moved on is released by whom it belongs to."""
    claim(folder)
    try:
        yield
    except BaseException:
        release(folder)
        raise


def _name_of(folder: Path) -> str:
    """Name of the weights, as the settings have it; that of the folder where they are damaged."""
    import yaml

    for path in (folder / file for file in SETTINGS):
        try:
            settings = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML too
        except (OSError, ValueError, yaml.YAMLError):
            continue
        if isinstance(settings, dict) and isinstance(settings.get("name"), str):
            return str(settings["name"])
    return folder.name


def _rename_weights(path: Path, old: str, name: str) -> None:
    """Give weights of the run its new name; those that it started from keep theirs."""
    card = read_card_file(path)
    if card.name != old:
        return
    replace_card(path, card.changed(name=name))
    if path.stem == old:
        path.rename(path.with_stem(name))


def _rename_in_settings(path: Path, name: str, folder: Path) -> None:
    """Change the name, and where the folder is given as a path, that too; comments stay."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        settings: dict[str, Any] = json.loads(text)
        text = json.dumps(settings | {"name": name, "out": str(folder)}, indent=2)
    else:
        text = re.sub(r"(?m)^name:.*$", f"name: {name}", text, count=1)
    part = begin(path)
    part.write_text(text, encoding="utf-8")
    publish(part, path)
