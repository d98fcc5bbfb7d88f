"""Reading a training config: YAML in, checked settings or one clear sentence out."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from dgno_core.errors import DGNOError
from dgno_core.models.card import read_card
from dgno_core.models.registry import SUFFIX
from dgno_core.training.config import TrainConfig

# Settings that are files or folders, by the name of their last key.
_UNIONS = ("model", "lifting", "data", "extra")
_KIND_HINTS = {
    "model": "a base (such as dgno-cell-small) or a kind",
    "data": "a kind: synthetic, folders, stacks or set",
    "extra": "a kind: synthetic, folders, stacks or set",
}
PATHS = ("out", "root", "list", "blurred", "sharp", "folder", "stacks")


def load_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Configuration of a YAML file.

    Paths inside it are relative to the file.

    Parameters
    ----------
    path : Path
        YAML file.
    overrides : sequence of str
        ``key=value`` with dots for nested keys, for example ``optim.lr=5e-4``; the value is YAML,
        and paths in it are relative to the current folder.

    Returns
    -------
    TrainConfig

    Raises
    ------
    DGNOError
        If the file cannot be read or says something that makes no sense.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DGNOError(f"The config {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DGNOError(f"The config {path} is not valid YAML{_place(error)}.") from error
    if not isinstance(tree, dict):
        raise DGNOError(f"The config {path} is empty or not a list of settings.")
    _resolve_paths(tree, path.parent.resolve())
    for override in overrides:
        _override(tree, override)
    if tree.get("start") and "model" not in tree:
        tree["model"] = read_card(tree["start"]).config.model_dump()
    try:
        return TrainConfig.model_validate(tree)
    except ValidationError as error:
        raise DGNOError(
            f"The config {path} is not complete or not right: {_explain(error)}."
        ) from (error)


def _explain(error: ValidationError) -> str:
    """All that is wrong with the settings, in words."""
    faults = []
    for fault in error.errors():
        key = ".".join(_without_kinds(fault["loc"]))
        if fault["type"] == "missing":
            faults.append(f"{key} is missing")
        elif fault["type"] == "union_tag_not_found":
            faults.append(f"{key} needs {_KIND_HINTS.get(key, 'a kind')}")
        elif fault["type"] == "extra_forbidden":
            hint = _closest(str(fault["loc"][-1]))
            faults.append(
                f"there is no setting {key}" + (f", perhaps {hint} is meant" * bool(hint))
            )
        else:
            reason = fault["msg"].removeprefix("Value error, ")
            faults.append(f"{key}: {reason[:1].lower()}{reason[1:]}" if key else reason)
    return "; ".join(faults)


def _without_kinds(place: tuple[int | str, ...]) -> list[str]:
    """Place of a setting as the file has it: pydantic adds the kind that a union was read as."""
    owners = ("", *place)
    pairs = zip(owners, place, strict=False)
    return [str(part) for owner, part in pairs if owner not in _UNIONS]


def _closest(name: str) -> str:
    """The setting, with what it belongs to, whose own name is most like a misspelt one."""
    known = {place.rpartition(".")[2]: place for place in _setting_names(TrainConfig)}
    close = get_close_matches(name, known, 1)
    return known[close[0]] if close else ""


def _setting_names(kind: type[BaseModel], prefix: str = "") -> list[str]:
    """All settings, nested ones too, as ``optim.lr``."""
    names = []
    for name, setting in kind.model_fields.items():
        names.append(prefix + name)
        for nested in (setting.annotation, *get_args(setting.annotation)):
            if isinstance(nested, type) and issubclass(nested, BaseModel):
                names += _setting_names(nested, f"{prefix}{name}.")
    return names


def _resolve_paths(tree: Any, folder: Path) -> None:
    """Make the paths in a config relative to its file."""
    if isinstance(tree, list):
        for item in tree:
            _resolve_paths(item, folder)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key in PATHS and isinstance(value, str) and not _is_choice(key, value):
                tree[key] = str(folder / value)
            elif key in PATHS and isinstance(value, list):
                tree[key] = [str(folder / one) if isinstance(one, str) else one for one in value]
            else:
                _resolve_paths(value, folder)
    # A name of weights is no path; a file is one.
    if isinstance(tree, dict) and str(tree.get("start", "")).endswith(SUFFIX):
        tree["start"] = str(folder / tree["start"])


def _is_choice(key: str, value: str) -> bool:
    """Whether a word is no path: a stack's `sharp` may be the way to find it."""
    return key == "sharp" and value in ("best", "local", "composite")


def _override(tree: dict[str, Any], override: str) -> None:
    keys, separator, text = override.partition("=")
    if not separator or not keys:
        raise DGNOError(f"--set {override!r} is not of the form key=value.")
    *parents, last = keys.split(".")
    node: Any = tree
    for key in parents:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise DGNOError(f"--set {override!r}: {key} has no settings below it.")
    try:
        node[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DGNOError(f"--set {override!r}: the value is not valid YAML.") from error


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f" (see line {mark.line + 1}, column {mark.column + 1})"
