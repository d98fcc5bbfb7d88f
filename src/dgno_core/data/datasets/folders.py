"""Putting together what the data sets in folders of blurred and of sharp images have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from dgno_core.data.datasets.contents import Contents, Fault
from dgno_core.data.datasets.layout import About
from dgno_core.data.datasets.sizes import check_sizes
from dgno_core.data.pairs import FocusPair, ImageRef


def pair(name: str, blurred: Path, sharp: Path | None, split: str) -> FocusPair:
    """Pair of two files, or an unlabelled file."""
    return FocusPair(name, ImageRef(blurred), None if sharp is None else ImageRef(sharp), split)


def relative_name(path: Path, root: Path) -> str:
    """Name of an image within its data set: its path without the ending, with slashes."""
    return path.relative_to(root).with_suffix("").as_posix()


def contents(
    about: About,
    root: Path,
    pairs: Iterable[FocusPair],
    faults: Iterable[Fault],
    *,
    sizes: bool,
    may_turn: bool = False,
    masks: Mapping[str, Path] | None = None,
) -> Contents:
    """Contents of a data set, their sizes checked if that is wanted."""
    kept, found = list(pairs), list(faults)
    if sizes:
        kept, wrong = check_sizes(kept, about.size, may_turn=may_turn)
        found += wrong
    names = {pair.name for pair in kept}
    return Contents(
        about.name,
        root,
        tuple(kept),
        tuple(found),
        about.expected,
        {name: path for name, path in (masks or {}).items() if name in names},
    )
