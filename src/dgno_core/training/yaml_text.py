"""YAML that somebody else may have written: read only if it is as small as it looks."""

from __future__ import annotations

from typing import Any

import yaml

from dgno_core.errors import DGNOError

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
