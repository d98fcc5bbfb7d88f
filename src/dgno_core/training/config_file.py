"""Reading a training config: YAML in, checked settings or one clear sentence out."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from dgno_core.errors import DGNOError
from dgno_core.models.card import read_card
from dgno_core.models.registry import ARCHITECTURES, SUFFIX
from dgno_core.training.config import TrainConfig
from dgno_core.training.recipes import CONFIGS
from dgno_core.training.yaml_text import LONGEST, read_yaml

# Settings that are files or folders, by the name of their last key.
_UNIONS = ("model", "lifting", "data", "extra")
_KINDS = (
    *("dgno", "nafnet", "restormer", "mpt", "mamba"),
    *("synthetic", "folders", "stacks", "set", "unlabelled"),
)
_KIND_HINTS = {
    "model": "a base (such as dgno-cell-small) or a kind",
    "data": "a kind: synthetic, folders, stacks or set",
    "extra": "a kind: synthetic, folders, stacks or set",
}
_REASONS = {
    "tuple_type": "is a list: write [...]",
    "dict_type": "has settings of its own: write {key: value}",
    "model_type": "has settings of its own: write {key: value}",
    "model_attributes_type": "has settings of its own: write {key: value}",
    "path_type": "is a file or folder: give its path",
    "string_pattern_mismatch": "may hold a-z, 0-9 and -, and begins with a letter or digit",
    "union_tag_invalid": "has no such kind; see docs/training.md",
    "too_short": "needs at least one entry",
}
# Settings of the whole run that hold for each of its parts.
EVERYWHERE = ("data.root=", "extra.root=", "engine.")
# What places a run among others: its own, never that of a file which it extends.
PLACE = ("after", "continues", "horizon")
PATHS = ("out", "root", "list", "blurred", "sharp", "folder", "stacks")


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
    tree = _read(path)
    # A base is chosen first: it drops the parts of the one before, but not what is set for it.
    for override in sorted(overrides, key=lambda text: not text.startswith("model.base=")):
        _override(tree, override)
    tree = _with_parts(tree, path, overrides)
    if tree.get("start") and "model" not in tree:
        tree["model"] = read_card(tree["start"]).config.model_dump()
    try:
        return TrainConfig.model_validate(tree)
    except ValidationError as error:
        raise DGNOError(
            f"The config {path} is not complete or not right: {_explain(error)}."
        ) from (error)


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
        before["out"] = str(Path(str(tree["out"])) / "parts" / str(before.get("name", "before")))
    return tree | {"after": _with_parts(before, file, overrides, (*followed, file))}


def _is_packaged(path: Path) -> bool:
    return path.resolve().is_relative_to(CONFIGS)


def _read(path: Path, followed: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Settings of a file and of those that it extends, its own last."""
    try:
        path = path.resolve()
        tree = read_yaml(_text(path), f"The config {path}")
    except (OSError, RuntimeError) as error:  # links in a circle are the latter
        reason = getattr(error, "strerror", None) or error
        raise DGNOError(f"The config {path} cannot be read: {reason}.") from error
    if path in followed:
        raise DGNOError(f"The config {path} extends itself.")
    if not isinstance(tree, dict):
        raise DGNOError(f"The config {path} is empty or not a list of settings.")
    base = tree.pop("extends", None)
    _resolve_paths(tree, path.parent, _home(path))
    if isinstance(tree.get("after"), str):
        tree["after"] = str(path.parent / tree["after"])
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
    return Path.cwd() if _is_packaged(path) else path.parent.resolve()


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


def _explain(error: ValidationError) -> str:
    """All that is wrong with the settings, in words."""
    faults = []
    for fault in error.errors():
        key = ".".join(_without_kinds(fault["loc"]))
        if "sharp" in fault["loc"] and fault["type"] in ("int_parsing", "literal_error"):
            faults.append("data.sharp is the number of a plane, or best, local or composite")
        elif fault["type"] == "missing":
            faults.append(f"{key} is missing")
        elif fault["type"] == "union_tag_not_found":
            faults.append(f"{key} needs {_KIND_HINTS.get(key, 'a kind')}")
        elif fault["type"] == "extra_forbidden":
            hint = _closest(str(fault["loc"][-1]))
            faults.append(
                f"there is no setting {key}" + (f", perhaps {hint} is meant" * bool(hint))
            )
        elif fault["type"] in _REASONS:
            faults.append(f"{key} {_REASONS[fault['type']]}")
        else:
            reason = fault["msg"].removeprefix("Value error, ").rstrip(".")
            faults.append(f"{key}: {reason[:1].lower()}{reason[1:]}" if key else reason)
    return "; ".join(dict.fromkeys(faults))


def _without_kinds(place: tuple[int | str, ...]) -> list[str]:
    """Place of a setting as the file has it: pydantic adds the kind that a union was read as."""
    owners = ("", *place)
    pairs = zip(owners, place, strict=False)
    return [str(part) for owner, part in pairs if not (owner in _UNIONS and part in _KINDS)]


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
            # A run may hold the run before it, whose settings have the same names.
            if isinstance(nested, type) and issubclass(nested, BaseModel) and nested is not kind:
                names += _setting_names(nested, f"{prefix}{name}.")
    return names


def _resolve_paths(tree: Any, folder: Path, home: Path) -> None:
    """Make lists of images relative to the file, other paths relative to `home`."""
    if isinstance(tree, list):
        for item in tree:
            _resolve_paths(item, folder, home)
        return
    if not isinstance(tree, dict):
        return
    for key, value in tree.items():
        start = folder if key == "list" else home
        if key in PATHS and isinstance(value, str) and not _is_choice(key, value):
            tree[key] = str(start / value)
        elif key in PATHS and isinstance(value, list):
            tree[key] = [str(start / one) if isinstance(one, str) else one for one in value]
        else:
            _resolve_paths(value, folder, home)
    # A name of weights is no path; a file is one.
    if str(tree.get("start", "")).endswith(SUFFIX):
        tree["start"] = str(home / tree["start"])


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
    value = read_yaml(text, f"--set {override[:60]!r}: the value")
    if keys == "model.base":
        tree["model"] = _merged(tree, {"model": {"base": value}})["model"]
    else:
        node[last] = value
