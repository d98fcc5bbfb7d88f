"""Pairs from two folders, or from two arrays such as napari layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgno_core.data.pairs import ArrayRef, FocusPair, Readable
from dgno_core.data.stack_planes import array_planes, stack_planes
from dgno_core.errors import DGNOError
from dgno_core.io.folder import TIFFS, no_images
from dgno_core.io.names import natural_key
from dgno_core.io.pictures import PICTURES

NAME = "{name}"
SHOWN = 3  # files without a partner that an error names


def paired_folders(
    blurred: str | Path,
    sharp: str | Path,
    *,
    blurred_pattern: str = NAME,
    sharp_pattern: str = NAME,
    allow_missing: bool = False,
    split: str = "train",
) -> list[FocusPair]:
    """Pair the images of two folders by their names.

    Parameters
    ----------
    blurred, sharp
        Folders; sub-folders count, and their names too. They may be the same folder.
    blurred_pattern, sharp_pattern
        Names of the files without their suffix: ``{name}`` stands for what both have in common,
        ``*`` for anything. ``{name}_z*`` and ``{name}_sharp`` pair ``a_z02.tif`` and ``a_z06.tif``
        with ``a_sharp.png``.
    allow_missing
        Whether images without a partner are left out; else they are an error.
    split
        What the pairs are for.

    Returns
    -------
    list of FocusPair
        In natural order. Stacks of equally many planes are paired plane by plane; a stack of
        blurred planes may have one sharp image.

    Raises
    ------
    DGNOError
        If a folder holds no images, an image has no partner or several, or stacks do not fit.
    """
    blurred, sharp = Path(blurred), Path(sharp)
    if blurred.resolve() == sharp.resolve() and blurred_pattern == sharp_pattern:
        raise DGNOError(
            f"{blurred} is given for the blurred and for the sharp images; give two folders, or "
            "patterns that tell them apart."
        )
    inputs = _matching(blurred, blurred_pattern)
    targets = _matching(sharp, sharp_pattern)
    for name, files in targets.items():
        if len(files) > 1:
            raise DGNOError(
                f"{sharp} has several sharp images called {name!r} ({files[0].name}, "
                f"{files[1].name}); keep one of them, or give another pattern."
            )
    lonely = [inputs[name][0] for name in inputs if name not in targets]
    unused = [targets[name][0] for name in targets if name not in inputs]
    if not allow_missing and (lonely or unused):
        parts = [_lonely(lonely, blurred, "sharp", sharp)] if lonely else []
        parts += [_lonely(unused, sharp, "blurred", blurred)] if unused else []
        raise DGNOError(f"{'; and '.join(parts)}; add the missing images or take these away.")
    names = sorted(inputs.keys() & targets.keys(), key=natural_key)
    if not names:
        raise DGNOError(
            f"No image of {blurred} has a partner in {sharp}; give equal names, or patterns."
        )
    pairs = []
    for name in names:
        planes = stack_planes(targets[name][0])
        for file in inputs[name]:
            label = file.relative_to(blurred).with_suffix("").as_posix()
            pairs += _paired(stack_planes(file), planes, label, split)
    return pairs


def paired_arrays(
    blurred: Any, sharp: Any, name: str = "layers", split: str = "train"
) -> list[FocusPair]:
    """Pair two arrays plane by plane, such as two napari layers.

    Parameters
    ----------
    blurred
        ``(Y, X)``, ``(Z, Y, X)``, or the same with a last axis of 3 in colour; may be lazy.
    sharp
        The same, or one plane for all of them; None for blurred images without a target.
    name
        Of the pairs.
    split
        What they are for.

    Raises
    ------
    DGNOError
        If their shapes do not fit.
    """
    inputs = _array_planes(blurred, f"{name}, blurred")
    if sharp is None:
        return _unlabelled(inputs, split)
    planes = _array_planes(sharp, f"{name}, sharp")
    return _paired(inputs, planes, name, split)


def unlabelled_folder(folder: str | Path, split: str = "train") -> list[FocusPair]:
    """Blurred images without a target, as extra data.

    Parameters
    ----------
    folder
        Images and stacks; sub-folders count.
    split
        What they are for.

    Raises
    ------
    DGNOError
        If it holds no images.
    """
    files = [file for group in _matching(Path(folder), NAME).values() for file in group]
    return [pair for file in files for pair in _unlabelled(stack_planes(file), split)]


def _matching(folder: Path, pattern: str) -> dict[str, list[Path]]:
    """Image files of a folder whose names fit a pattern, by what stands for ``{name}``."""
    if pattern.count(NAME) != 1:
        raise DGNOError(f"The pattern {pattern!r} must hold {NAME} once.")
    if not folder.is_dir():
        raise DGNOError(f"There is no folder {folder}.")
    before, after = (re.escape(part).replace(r"\*", ".*") for part in pattern.split(NAME))
    expression = re.compile(f"{before}(.+?){after}")
    found: dict[str, list[Path]] = {}
    known = (*TIFFS, *PICTURES)
    files = [file for file in folder.rglob("*") if file.suffix.lower() in known and file.is_file()]
    for file in sorted(files, key=lambda file: natural_key(file.as_posix())):
        if file.name.startswith("."):
            continue
        if match := expression.fullmatch(file.stem):
            parent = file.parent.relative_to(folder).as_posix()
            name = match[1] if parent == "." else f"{parent}/{match[1]}"
            found.setdefault(name, []).append(file)
    if not found:
        if not files:
            raise DGNOError(no_images(folder))
        raise DGNOError(
            f"{folder} holds {len(files)} images, but none whose name fits {pattern!r}, such as "
            f"{files[0].name}; give another pattern."
        )
    return found


def _lonely(files: Sequence[Path], folder: Path, missing: str, other: Path) -> str:
    names = ", ".join(file.name for file in files[:SHOWN])
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    has = "has" if len(files) == 1 else "have"
    return f"{names}{more} in {folder} {has} no {missing} partner in {other}"


def _unlabelled(planes: Sequence[Readable], split: str) -> list[FocusPair]:
    """Planes of one image or stack, without targets."""
    stack = tuple(planes) if len(planes) > 1 else None
    return [FocusPair(plane.name, plane, None, split, stack=stack) for plane in planes]


def _paired(
    inputs: Sequence[Readable], targets: Sequence[Readable], name: str, split: str
) -> list[FocusPair]:
    """Planes against planes, or all of them against the only one."""
    if len(targets) not in (1, len(inputs)):
        raise DGNOError(
            f"{name}: {len(inputs)} blurred planes cannot be paired with {len(targets)} sharp "
            "ones; give one sharp plane for each, or one for all."
        )
    if len(inputs) == 1:
        return [FocusPair(name, inputs[0], targets[0], split)]
    sharp, stack = list(targets) * (len(inputs) if len(targets) == 1 else 1), tuple(inputs)
    return [
        FocusPair(f"{name}, z {z}", plane, target, split, stack=stack)
        for z, (plane, target) in enumerate(zip(inputs, sharp, strict=True))
    ]


def _array_planes(array: Any, name: str) -> list[Readable]:
    shape = tuple(array.shape)
    is_plane = len(shape) == 2 or (len(shape) == 3 and shape[-1] in (3, 4))
    return [ArrayRef(array, name)] if is_plane else array_planes(array, name)
