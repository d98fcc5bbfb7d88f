"""What data sets in folders of blurred and of sharp images have in common.

Several publish their split as folders, one for each split with the two sides in it, as the released
MPT code has them: ``train/blur``, ``train/GT``, ``test/blur`` ...
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from dgno_core.data.datasets.files import child, header_size, images_in
from dgno_core.data.datasets.layout import About, Contents, Fault
from dgno_core.data.pairs import FocusPair, ImageRef

SPLITS = ("train", "val", "test")
Size = tuple[int, int]


def has_split_folders(folder: Path) -> bool:
    """Whether a folder holds at least one split with a blurred and a sharp side."""
    return any(
        child(child(folder, split), "blur").is_dir() and child(child(folder, split), "GT").is_dir()
        for split in SPLITS
    )


def split_folders(root: Path) -> Iterator[tuple[str, list[Path], list[Path]]]:
    """Yield each split with its blurred and its sharp images."""
    for split in SPLITS:
        folder = child(root, split)
        yield split, images_in(child(folder, "blur")), images_in(child(folder, "GT"))


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
