"""What is wrong with the settings of a run: in words, and whether a file or ``--set`` says it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from dgno_core.encoders.config import BlockConfig
from dgno_core.models.config import NetworkConfig
from dgno_core.training.config import TrainConfig
from dgno_core.training.data_config import DataConfig, ExtraDataConfig
from dgno_core.training.recipes import is_packaged
from dgno_core.wording import setting_sentence

_UNIONS = {
    "model": NetworkConfig,
    "lifting": BlockConfig,
    "data": DataConfig,
    "extra": ExtraDataConfig,
}
_KINDS = {
    settings.model_fields["kind"].default
    for union in _UNIONS.values()
    for settings in get_args(get_args(union)[0])
}
_KIND_HINTS = {
    "model": "a base (such as dgno-cell-small) or a kind",
    "data": "a kind: synthetic, folders, stacks or set",
    "extra": "a kind: synthetic, folders, stacks, set or unlabelled",
}
_BEFORE = re.compile(r"(after\.)+")
_LONGEST = 60  # characters of an override that are quoted


class Fault(NamedTuple):
    """Something wrong with a setting.

    Attributes
    ----------
    key
        Of the setting, such as ``optim.lr``; empty for what several have in common.
    sentence
        What is wrong, without a full stop.
    is_missing
        Whether there is no such setting.
    """

    key: str
    sentence: str
    is_missing: bool


def find_faults(error: ValidationError) -> list[Fault]:
    """All that is wrong with settings.

    What runs that come before have in common with this one is told once, of this one.
    """
    faults = []
    for fault in error.errors():
        key = ".".join(_without_kinds(fault["loc"]))
        sentence = setting_sentence(key, fault)
        if "sharp" in fault["loc"] and fault["type"] in ("int_parsing", "literal_error"):
            sentence = "data.sharp is the number of a plane, or best, local or composite"
        elif fault["type"] == "union_tag_not_found":
            sentence = f"{key} needs {_KIND_HINTS.get(key, 'a kind')}"
        elif fault["type"] == "extra_forbidden":
            hint = _closest(str(fault["loc"][-1]))
            sentence = f"there is no setting {key}" + (f", perhaps {hint} is meant" * bool(hint))
        elif fault["type"] == "string_pattern_mismatch":
            sentence = f"{key} may hold a-z, 0-9 and -, and begins with a letter or digit"
        faults.append(Fault(key, sentence, fault["type"] == "missing"))
    said = {fault.key for fault in faults}
    return [
        one
        for one in dict.fromkeys(faults)
        if not (_BEFORE.match(one.key) and _BEFORE.sub("", one.key, count=1) in said)
    ]


def complaint(
    path: Path, faults: Sequence[Fault], own: Sequence[Fault], overrides: Sequence[str]
) -> str:
    """Say what is wrong, and where it is said.

    Parameters
    ----------
    path
        The config.
    faults
        What is wrong with its settings and the overrides together.
    own
        What is wrong with the file alone.
    overrides
        As ``key=value``.
    """
    parts, of_file = [], []
    for fault in faults:
        blamed = [] if fault in own else [text for text in overrides if _is_about(text, fault)]
        if blamed:
            parts += [f"--set {text[:_LONGEST]}: {fault.sentence}" for text in blamed[:1]]
        else:
            of_file.append(fault)
    missing = [fault.key for fault in of_file if fault.is_missing]
    if is_packaged(path) and missing:
        words = " ".join(f"--set {key}=VALUE" for key in missing)
        parts.append(f"the recipe {path.stem} needs {' and '.join(missing)}: add {words}")
        of_file = [fault for fault in of_file if not fault.is_missing]
    if of_file:
        said = "; ".join(dict.fromkeys(fault.sentence for fault in of_file))
        parts.append(f"the config {path} is not complete or not right: {said}")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "."


def _is_about(override: str, fault: Fault) -> bool:
    """Whether an override sets what is wrong, or a part of it, or what it is a part of."""
    key, at = override.partition("=")[0], _BEFORE.sub("", fault.key, count=1)
    if key == at or key.startswith(f"{at}.") or at.startswith(f"{key}."):
        return True
    # What several settings have in common is told by their names.
    return not at and key.rpartition(".")[2] in re.findall(r"\w+", fault.sentence)


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
