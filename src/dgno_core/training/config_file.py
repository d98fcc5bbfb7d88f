"""Reading a training config: YAML in, checked settings or one clear sentence out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from dgno_core.errors import DGNOError
from dgno_core.models.architectures import ARCHITECTURES
from dgno_core.models.weights import read_card
from dgno_core.training.config import TrainConfig
from dgno_core.training.config_faults import Fault, complaint, find_faults
from dgno_core.training.located import from_folder, from_home, from_home_if_file, locate
from dgno_core.training.recipes import LISTING, is_packaged, recipe_names
from dgno_core.wording import did_you_mean, file_problem

# Settings of the whole run that hold for each of its parts.
EVERYWHERE = ("data.root=", "extra.root=", "engine.")
# Order of a run among others; not inherited from a file that it extends.
PLACE = ("after", "continues", "horizon")


def load_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Configuration of a YAML file.

    Paths inside it are relative to the file; in the packaged recipes those of data and results are
    relative to the current folder. ``extends: OTHER.yaml`` takes over the settings of another file,
    but for its place among other runs (`after`, `continues` and `horizon`).

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
        return TrainConfig.model_validate(_settings(path, overrides))
    except ValidationError as error:
        faults = find_faults(error)
        own = _own_faults(path) if overrides else faults
        raise DGNOError(complaint(path, faults, own, overrides)) from error


def _settings(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Settings of a file with some changed, and with those of the runs before it."""
    tree = _read(path)
    # A base is chosen first: it drops the parts of the one before, but not what is set for it.
    for override in sorted(overrides, key=lambda text: not text.startswith("model.base=")):
        _override(tree, override)
    tree = _with_parts(tree, path, overrides)
    if tree.get("start") and "model" not in tree:
        tree["model"] = read_card(from_home_if_file(tree["start"])).config.model_dump()
    return tree


def _own_faults(path: Path) -> list[Fault]:
    """What is wrong with a file without any override."""
    try:
        TrainConfig.model_validate(_settings(path))
    except ValidationError as error:
        return find_faults(error)
    except DGNOError:  # an override has mended what cannot even be read without it
        pass
    return []


def _with_parts(
    tree: dict[str, Any], path: Path, overrides: Sequence[str], followed: tuple[Path, ...] = ()
) -> dict[str, Any]:
    """Settings with those of the runs before it, which `after` names as files.

    What says where images lie and how the machine is used holds for all parts; the parts lie in
    the folder of the whole.
    """
    after = tree.get("after")
    if not isinstance(after, str):
        return tree
    file = Path(after)
    if file in followed:
        raise DGNOError(f"The config {path} comes after itself.")
    before = _read(file)
    for override in overrides:
        if override.startswith(EVERYWHERE):
            _override(before, override)
    if "out" in tree:
        before["out"] = str(
            Path(from_home(tree["out"])) / "parts" / str(before.get("name", "before"))
        )
    return tree | {"after": _with_parts(before, file, overrides, (*followed, file))}


def _read(path: Path, followed: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Settings of a file and of those that it extends, its own last."""
    try:
        path = path.resolve()
        tree = read_yaml(_text(path), f"The config {path}")
    except FileNotFoundError as error:
        raise DGNOError(
            f"There is no config {path}{did_you_mean(path.stem, recipe_names())}; check the name. "
            f"The recipes of the package have names without .yaml: {LISTING} lists them."
        ) from error
    except (OSError, RuntimeError) as error:  # links in a circle are the latter
        reason = file_problem(error) if isinstance(error, OSError) else str(error)
        raise DGNOError(f"The config {path} cannot be read: {reason}.") from error
    if path in followed:
        raise DGNOError(f"The config {path} extends itself.")
    if tree is None:
        raise DGNOError(f"The config {path} is empty; write its settings, such as steps: 3000.")
    if not isinstance(tree, dict):
        found = "a list (lines that begin with -)" if isinstance(tree, list) else "a single value"
        raise DGNOError(
            f"The config {path} has {found} at its top level, where settings `name: value` are "
            "expected, such as steps: 3000."
        )
    base = tree.pop("extends", None)
    tree = locate(tree, path.parent, _home(path))
    if isinstance(tree.get("after"), str):
        tree["after"] = str(from_folder(tree["after"]))
    if base is None:
        return tree
    inherited = _read(path.parent / str(base), (*followed, path))
    return _merged({key: inherited[key] for key in inherited if key not in PLACE}, tree)


def _text(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        try:
            return file.read(LONGEST + 1)  # what is longer is refused
        except UnicodeDecodeError as error:
            raise DGNOError(f"The config {path} is not valid YAML: it is no text.") from error


def _home(path: Path) -> Path:
    """Folder to which data and results are relative: the file's, or for recipes the current."""
    return Path.cwd() if is_packaged(path) else path.parent.resolve()


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Settings of both; where both have one, the second's, unless it has parts of its own."""
    merged = dict(base)
    for key, value in own.items():
        before = merged.get(key)
        if key == "model":
            before = _without_parts_of_another(before, value)
        # Another kind of thing shares no parts with the first.
        if (
            isinstance(before, dict)
            and isinstance(value, dict)
            and value.get("kind", before.get("kind")) == before.get("kind")
        ):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged


def _without_parts_of_another(before: Any, model: Any) -> Any:
    """A model without what belonged to its base, if it gets another one.

    What both have stays: the channels, which are the images', and a lifting of one kind.
    """
    if not isinstance(before, dict) or not isinstance(model, dict):
        return before
    if "base" not in model or model["base"] == before.get("base"):
        return before
    kept = {key: value for key, value in before.items() if key == "channels"}
    lifting = before.get("lifting")
    if isinstance(lifting, dict) and lifting.get("kind") == _lifting_of(model["base"]):
        kept["lifting"] = lifting
    return kept


def _lifting_of(base: object) -> str | None:
    """Kind of the lifting of an architecture; None if it has none, or there is no such one."""
    own = getattr(ARCHITECTURES.get(str(base)), "lifting", None)
    return None if own is None else str(own.kind)


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
    value = read_yaml(text, f"--set {override[:60]!r}: the value")
    if keys == "model.base":
        tree["model"] = _merged(tree, {"model": {"base": value}})["model"]
    else:
        node[last] = value


DEEPEST = 50
LONGEST = 1_000_000  # characters
# Values after aliases have been written out; a short text may stand for billions of them.
MOST_VALUES = 100_000


def read_yaml(text: str, name: str) -> Any:
    """Content of a YAML text.

    Parameters
    ----------
    text : str
        The text.
    name : str
        What it is, to begin a sentence with.

    Returns
    -------
    object
        Plain values, lists and dictionaries.

    Raises
    ------
    DGNOError
        If it is no YAML, too long, nested too deeply, or grows too much by its aliases.
    """
    try:
        _check_size(text, name)
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DGNOError(f"{name} is not valid YAML{_place(error)}.") from error
    except (ValueError, OverflowError) as error:  # a date or number that there cannot be
        raise DGNOError(f"{name} holds a value that cannot be read: {error}.") from error


def _check_size(text: str, name: str) -> None:
    """Follow the text without building anything, which costs no more than its own length."""
    if len(text) > LONGEST:
        raise DGNOError(f"{name} is too long for a config: {len(text):,} characters.")
    sizes: dict[str, int] = {}
    open_parts: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_parts.append((event.anchor, total))
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_parts.pop()
            if anchor is not None:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_parts):
                raise DGNOError(f"{name} holds itself, through the alias *{event.anchor}.")
            total += sizes.get(event.anchor or "", 1)
        if len(open_parts) > DEEPEST:
            raise DGNOError(f"{name} is nested more than {DEEPEST} levels deep; no config is.")
        if total > MOST_VALUES:
            raise DGNOError(
                f"{name} stands for more than {MOST_VALUES:,} values, through its aliases (*name) "
                "for example; no config does."
            )


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f" (see line {mark.line + 1}, column {mark.column + 1})"
