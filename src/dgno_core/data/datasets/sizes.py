"""Checking the sizes of images by their headers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from dgno_core.data.datasets.contents import Fault
from dgno_core.data.datasets.files import header_size
from dgno_core.data.pairs import FocusPair, ImageRef

Size = tuple[int, int]


def check_sizes(
    pairs: Iterable[FocusPair], expected: Size | None, *, may_turn: bool = False
) -> tuple[list[FocusPair], list[Fault]]:
    """Leave out pairs that cannot be read or are of unequal sizes; report unusual sizes.

    Parameters
    ----------
    pairs
        Pairs of files.
    expected
        ``(Y, X)`` that all images should have. Another size is a fault, but such a pair stays: it
        may have been scaled on purpose.
    may_turn
        Whether images may also be upright, ``(X, Y)``.

    Returns
    -------
    pairs, faults
    """
    size_of = cache(header_size)  # a sharp image may belong to several pairs
    kept: list[FocusPair] = []
    faults: dict[Path, Fault] = {}
    for pair in pairs:
        paths = _paths(pair)
        sizes = [size_of(path) for path in paths]
        for path, size in zip(paths, sizes, strict=True):
            if size is None:
                faults[path] = Fault(
                    "unreadable", path, f"{path} is empty, cut off or no image; copy it again."
                )
            elif expected and size not in _allowed(expected, may_turn):
                faults[path] = Fault(
                    "wrong size", path, f"{path} is {_words(size)}, not {_words(expected)} pixels."
                )
        if None in sizes:
            continue
        if len(set(sizes)) > 1:
            words = " and ".join(_words(size) for size in sizes if size)
            text = f"Pair {pair.name} is left out: its images are {words} pixels."
            faults[paths[0]] = Fault("wrong size", paths[0], text)
            continue
        kept.append(pair)
    return kept, list(faults.values())


def _paths(pair: FocusPair) -> Sequence[Path]:
    return [ref.path for ref in (pair.blurred, pair.sharp) if isinstance(ref, ImageRef)]


def _allowed(expected: Size, may_turn: bool) -> tuple[Size, ...]:
    return (expected, expected[::-1]) if may_turn else (expected,)


def _words(size: Size) -> str:
    return f"{size[0]} x {size[1]}"
