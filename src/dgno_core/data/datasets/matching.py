"""Which blurred image belongs to which sharp one, when both lie in folders of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from dgno_core.data.datasets.layout import Fault

Match = tuple[Path, Path]


def match_by_key(
    blurred: Iterable[Path],
    sharp: Iterable[Path],
    blurred_key: Callable[[Path], str | None],
    sharp_key: Callable[[Path], str | None],
) -> tuple[list[Match], list[Fault]]:
    """Match images by what their names have in common; several blurred ones may share a sharp one.

    Parameters
    ----------
    blurred, sharp
        Files.
    blurred_key, sharp_key
        What two partners have in common; None for a name that does not belong to the data set.
    """
    faults: list[Fault] = []
    targets: dict[str, Path] = {}
    for path in sharp:
        key = sharp_key(path)
        if key is None:
            faults.append(unexpected(path))
        elif key in targets:
            faults.append(Fault("twice", path, f"{path} and {targets[key].name} are the same one."))
        else:
            targets[key] = path
    matches: list[Match] = []
    used: set[str] = set()
    for path in blurred:
        key = blurred_key(path)
        if key is None:
            faults.append(unexpected(path))
        elif key in targets:
            matches.append((path, targets[key]))
            used.add(key)
        else:
            faults.append(partnerless(path, "sharp"))
    faults += [partnerless(path, "blurred") for key, path in targets.items() if key not in used]
    return matches, faults


def match_by_order(
    blurred: Sequence[Path], sharp: Sequence[Path], whole: int
) -> tuple[list[Match], list[Fault]]:
    """Match images by name, or, if their names are numbers of a camera, in their order.

    A camera numbers the two pictures of a scene differently, so only their order tells which belong
    together, and their publishers match them so. It is to be trusted if all are there. If some
    are missing on one side, nothing is matched; if as many are missing on both sides, those
    are left out whose numbers are nearer to that of another one than to their partner's.

    Parameters
    ----------
    blurred, sharp
        Files in natural order.
    whole
        How many there are of each if none is missing.
    """
    names = {path.stem.lower() for path in blurred}, {path.stem.lower() for path in sharp}
    if names[0] & names[1] or not (blurred and sharp):
        return match_by_key(blurred, sharp, _stem, _stem)
    if len(blurred) != len(sharp):
        folder = blurred[0].parent
        text = (
            f"{folder} holds {len(blurred)} images and {sharp[0].parent} {len(sharp)}; since their "
            "names differ, nobody can tell which belong together: complete both folders."
        )
        return [], [Fault("missing partner", folder, text)]
    matches = list(zip(blurred, sharp, strict=True))
    if len(matches) == whole:
        return matches, []
    numbers = [(_number(first), _number(second)) for first, second in matches]
    doubtful = {match for match, lost in zip(matches, _crossed(numbers), strict=True) if lost}
    faults = [
        Fault(
            "missing partner",
            first,
            f"{first} comes in its folder where {second.name} comes in the other, but their "
            "numbers belong to other images; one of each is missing before them.",
        )
        for first, second in matches
        if (first, second) in doubtful
    ]
    return [match for match in matches if match not in doubtful], faults


def unexpected(path: Path) -> Fault:
    """Fault of an image whose name is none of the data set's."""
    text = f"{path} does not bear a name of this data set and is left out; move it elsewhere."
    return Fault("unexpected file", path, text)


def partnerless(path: Path, lacking: str) -> Fault:
    """Fault of an image whose sharp or blurred partner is not there."""
    return Fault("missing partner", path, f"{path} has no {lacking} partner; copy that one too.")


def _stem(path: Path) -> str:
    return path.stem.lower()


def _number(path: Path) -> int | None:
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else None


def _crossed(numbers: Sequence[tuple[int | None, int | None]]) -> list[bool]:
    """Which pairs have an image whose number is nearer to one of another pair."""
    if any(None in pair for pair in numbers):
        return [False] * len(numbers)
    known = [(first or 0, second or 0) for first, second in numbers]
    found = []
    for first, second in known:
        gap = abs(first - second)
        nearer_second = min(abs(first - other) for _, other in known) < gap
        nearer_first = min(abs(second - other) for other, _ in known) < gap
        found.append(nearer_second or nearer_first)
    return found
