"""Renaming and deleting the folder of a run, which holds nothing but what training writes.

Pure functions on folders, without torch and Qt. A run that goes on is left alone, and so is every
file that no training has written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import aside_path, begin, discard, writing
from dgno_core.models.card import copy_with_card, read_card_file
from dgno_core.training.runs.files import SETTINGS, TRACES, foreign_files, is_weights, own_files
from dgno_core.training.runs.lock import acquire_lock, lock_holder, release_lock

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run: it has settings, and traces of a training."""
    return (
        folder.is_dir()
        and not folder.is_symlink()
        and any((folder / name).is_file() for name in SETTINGS)
        and any((folder / name).is_file() for name in TRACES)
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
    name = _name_of(folder)
    if foreign := foreign_files(folder, name):
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise DGNOError(
            f"{folder} also holds {foreign[0]}{more}, which no training has written: move it "
            "elsewhere, then delete the run."
        )
    with _held(folder), writing(folder):
        hidden = begin(folder)  # if this process is killed now, the next `recover` cleans up
        folder.rename(hidden)
    with writing(hidden):
        for path in own_files(hidden, name):
            path.unlink()
        for place, _, _ in os.walk(hidden, topdown=False):
            Path(place).rmdir()


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
        If it is no run, the run goes on, the name is unusable or taken, or files cannot be written;
        then nothing has changed.
    """
    with renaming_run(folder, name) as new:
        return new


@contextmanager
def renaming_run(folder: Path, name: str) -> Iterator[Path]:
    """Give a run another name as `rename_run` does; take it back if what is done meanwhile fails.

    All that changes is written first, beside what it replaces; then there is nothing left to do
    but to rename, which can be undone.
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
    asides: list[Path] = []
    with _held(folder), writing(new), ExitStack() as undo:
        for path, final, part in _write_renamed(folder, new, undo):
            aside = aside_path(path)
            _rename(path, aside, undo)
            _rename(part, final, undo)
            asides.append(new / aside.relative_to(folder))
        _rename(folder, new, undo)
        yield new
        undo.pop_all()
    with suppress(OSError):  # only hidden files stay, which the next writer clears up
        for aside in asides:
            discard(aside)
    release_lock(new)


def _write_renamed(folder: Path, new: Path, undo: ExitStack) -> list[tuple[Path, Path, Path]]:
    """Write what changes with the name of a run, under hidden names.

    Returns each file, what it will be called in its folder, and what was written.
    """
    old, written = _name_of(folder), []
    for path in own_files(folder, old):
        if not (path.name in SETTINGS or is_weights(path, old)):
            continue
        final = path.with_stem(new.name) if path.stem == old else path
        part = begin(final)
        undo.callback(discard, part)
        if path.name in SETTINGS:
            part.write_text(_renamed_settings(path, folder, new), encoding="utf-8")
        else:
            copy_with_card(path, read_card_file(path).changed(name=new.name), part)
        written.append((path, final, part))
    return written


def _rename(path: Path, other: Path, undo: ExitStack) -> None:
    path.rename(other)
    undo.callback(other.rename, path)


def _check(folder: Path, what: str) -> None:
    if not is_run(folder):
        raise DGNOError(f"{folder} is not the folder of a run, and cannot be {what} as one.")
    found = lock_holder(folder)
    if found is not None:
        raise DGNOError(
            f"{folder.name} is training (process {found.pid} on {found.host}) and cannot be "
            f"{what}: stop it first."
        )


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep trainings out of a folder; one that has moved on is released by whom it belongs to."""
    acquire_lock(folder)
    try:
        yield
    except BaseException:
        release_lock(folder)
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


def _renamed_settings(path: Path, folder: Path, new: Path) -> str:
    """Settings in which every path in a run's folder lies in the new one.

    Those of the run itself, not of its parts, also get its name; comments stay.
    """
    from dgno_core.training.config import TrainConfig  # loads torch
    from dgno_core.training.located import path_names

    text, is_own = path.read_text(encoding="utf-8"), path.parent == folder
    if path.suffix == ".json":
        settings = json.loads(text)
        # As it was given, perhaps relative to the folder in which the command ran.
        depth = len(path.relative_to(folder).parts) - 1
        given = Path(str(settings.get("out", path.parent)))
        names = path_names(TrainConfig)
        for old in (given.parents[depth - 1] if depth else given, folder):
            settings = _moved(settings, old, new, names)
        return json.dumps(settings | ({"name": new.name} if is_own else {}), indent=2)
    end = r"""(?=[/\\'"\s]|$)"""
    text = re.sub(re.escape(str(folder)) + end, lambda _: str(new), text)
    return re.sub(r"(?m)^name:.*$", f"name: {new.name}", text, count=1) if is_own else text


def _moved(value: Any, old: Path, new: Path, names: set[str], key: str = "") -> Any:
    """Settings in which every path in or below `old` is in or below `new`.

    Parameters
    ----------
    names
        Of the settings that are paths.
    """
    if isinstance(value, dict):
        return {name: _moved(item, old, new, names, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, old, new, names, key) for item in value]
    is_path = key in names and isinstance(value, str) and old.parts
    if is_path and Path(value).is_relative_to(old):
        return str(new / Path(value).relative_to(old))
    return value
