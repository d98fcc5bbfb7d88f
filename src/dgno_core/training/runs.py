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
from pathlib import Path
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import begin, publish, writing
from dgno_core.models.card import read_card_file, replace_card
from dgno_core.training.claim import claim, owner, release
from dgno_core.training.files import SETTINGS, TRACES, foreign_files, is_weights, own_files

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
        hidden = begin(folder)  # what a process that is killed now leaves is cleared up by others
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
        own = own_files(folder, old)
        for path in own:
            if is_weights(path, old):
                _rename_weights(path, old, name)
        for path in own:
            if path.name in SETTINGS:
                _move_settings(path, folder, new)
        for file in SETTINGS:
            _rename_in_settings(folder / file, name)
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
    """Give weights of the run its new name."""
    replace_card(path, read_card_file(path).changed(name=name))
    if path.stem == old:
        path.rename(path.with_stem(name))


def _rename_in_settings(path: Path, name: str) -> None:
    """Change the name of the run itself, not of its parts; comments stay."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        text = json.dumps(json.loads(text) | {"name": name}, indent=2)
    else:
        text = re.sub(r"(?m)^name:.*$", f"name: {name}", text, count=1)
    _replace(path, text)


def _move_settings(path: Path, folder: Path, new: Path) -> None:
    """Let every path that lies in a run's folder, those of its parts too, lie in the new one."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        settings = json.loads(text)
        # As it was given, perhaps relative to the folder in which the command ran.
        depth = len(path.relative_to(folder).parts) - 1
        given = Path(str(settings.get("out", path.parent)))
        for old in (given.parents[depth - 1] if depth else given, folder):
            settings = _moved(settings, old, new)
        text = json.dumps(settings, indent=2)
    else:
        end = r"""(?=[/\\'"\s]|$)"""
        text = re.sub(re.escape(str(folder)) + end, lambda _: str(new), text)
    _replace(path, text)


def _moved(value: Any, old: Path, new: Path, key: str = "") -> Any:
    """Settings in which every path in or below `old` is in or below `new`."""
    from dgno_core.training.config_file import PATHS

    if isinstance(value, dict):
        return {name: _moved(item, old, new, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, old, new, key) for item in value]
    is_path = key in (*PATHS, "start") and isinstance(value, str)
    if is_path and old.parts and Path(value).is_relative_to(old):
        return str(new / Path(value).relative_to(old))
    return value


def _replace(path: Path, text: str) -> None:
    part = begin(path)
    part.write_text(text, encoding="utf-8")
    publish(part, path)
