"""Pairs from a focal stack: out-of-focus planes as inputs, the plane in focus as the target.

The target can be chosen in three ways:

- the plane of best focus of the whole field (or one that is given): a real recording throughout;
- the locally best plane of each tile (`"local"`), for a tilted or bent specimen: one pair for each
  tile, whose target is that tile of a real recording, with no seam inside;
- a composite of the locally best planes (`"composite"`), blended at the seams: one large target,
  but one that no camera has recorded. Where the best plane changes between tiles, a blend of two
  planes is not sharper than the duller one; what lies one above the other in a thick specimen
  cannot all be sharp; and the out-of-focus light of other depths stays in. Use it to look at, and
  for training only where large steps in depth matter more than the seams.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dgno_core.data.pairs import ArrayRef, FocusPair, Readable, Region
from dgno_core.data.registration import (
    RegisteredRef,
    estimate_stack_registration,
)
from dgno_core.data.stack_planes import chosen_planes
from dgno_core.data.transform import Registration, Transform
from dgno_core.errors import DGNOError
from dgno_core.focus.composite import all_in_focus
from dgno_core.focus.curve import (
    CLEAR,
    BestPlane,
    PlaneMap,
    best_plane_map,
    focus_curve,
    peak,
)

Target = int | Literal["best", "local", "composite"]


@dataclass(frozen=True, eq=False)
class StackPairs:
    """The pairs of a stack, and how they were found.

    Attributes
    ----------
    pairs
        Registered and cut to what both images show, on the grid of the reference.
    shape
        ``(Y, X)`` of the reference.
    curve
        Focus measure of each plane.
    best
        The plane of best focus.
    registrations
        By plane, of those that were registered to the reference.
    warnings
        What the user should look at before training, one sentence each.
    """

    pairs: list[FocusPair]
    shape: tuple[int, int]
    curve: NDArray[np.float64]
    best: BestPlane
    registrations: dict[int, Registration]
    warnings: list[str]


def stack_pairs(
    stack: Sequence[Readable],
    name: str,
    *,
    sharp: Target = "best",
    planes: Sequence[int] | None = None,
    offsets: Sequence[int] | None = None,
    within: tuple[int, int] | None = None,
    measure: str = "tenengrad",
    registered: bool = True,
    tile: int = 128,
    split: str = "train",
) -> StackPairs:
    """Make pairs from a focal stack.

    The blurred planes are resampled onto the grid of the reference, which is the plane of best
    focus, so that this target stays as it was recorded. (The targets of ``"local"`` and
    ``"composite"`` come from several planes, of which only one is the reference.) Resampling
    blurs an image a little more and smooths its noise; a plane that needs none is left alone.

    Parameters
    ----------
    stack
        Planes, as `stack_planes` or `array_planes` lists them.
    name
        Of the stack; the pairs' names begin with it.
    sharp
        Index of the plane in focus, or ``"best"``, ``"local"`` or ``"composite"`` (see above).
    planes, offsets, within
        Which planes become inputs, as in `chosen_planes`; all if none of them is given.
    measure
        Focus measure: ``"laplacian"``, ``"tenengrad"`` or ``"spectral"``.
    registered
        Whether planes are registered. Without it they must be of one size.
    tile
        Side of the tiles in pixels, for ``"local"`` and ``"composite"``.
    split
        What the pairs are for.

    Returns
    -------
    StackPairs
        Planes whose registration failed are left out, with a warning.

    Raises
    ------
    DGNOError
        If no pair can be made.
    """
    if isinstance(sharp, int) and not 0 <= sharp < len(stack):
        raise DGNOError(
            f"{name} has {len(stack)} planes, 0 to {len(stack) - 1}, but no {sharp}; choose "
            "another sharp plane."
        )
    _check_content(stack, name)
    curve = focus_curve(stack, measure)
    best = peak(curve)
    reference = sharp if isinstance(sharp, int) else best.index
    inputs = chosen_planes(
        len(stack), reference, name=name, planes=planes, offsets=offsets, within=within
    )
    warnings = [f"{name}: {best.warning}"] if best.warning and sharp == "best" else []
    several = sharp in ("local", "composite")
    needed = range(len(stack)) if several else sorted({*inputs, reference})
    aligned, registrations = _aligned(stack, reference, needed, registered)
    warnings += [
        f"{name}, plane {index} is left out: {found.problem}"
        for index, found in registrations.items()
        if not found.ok
    ]
    inputs = [i for i in inputs if i in aligned]
    if not inputs:
        raise DGNOError(
            f"None of the blurred planes of {name} could be registered to plane {reference}; "
            "choose planes that are less out of focus."
        )
    if several:
        focus = best_plane_map([plane.image for plane in aligned.values()], tile, measure)
        make = _local_pairs if sharp == "local" else _composite_pairs
        pairs = make(name, aligned, inputs, focus, split)
    else:
        pairs = [_pair(name, aligned, i, reference, split) for i in inputs]
    if not pairs:
        raise DGNOError(f"{name} has no tile whose focus is clear enough for a pair.")
    pairs = [replace(pair, stack=tuple(stack)) for pair in pairs]
    height, width = stack[reference].read().shape[:2]
    return StackPairs(pairs, (height, width), curve, best, registrations, warnings)


def _check_content(stack: Sequence[Readable], name: str) -> None:
    """Refuse a stack in which nothing can be seen."""
    for plane in stack:
        pixels = plane.read()
        if pixels.min() != pixels.max():
            return
    raise DGNOError(f"{name}: all planes have one intensity only, so there is nothing to learn.")


@dataclass(frozen=True)
class _Aligned:
    """A plane on the grid of the reference, and the part of it that it covers."""

    image: Readable
    region: Region


def _aligned(
    stack: Sequence[Readable], reference: int, needed: Sequence[int], registered: bool
) -> tuple[dict[int, _Aligned], dict[int, Registration]]:
    """The needed planes on the grid of the reference, less those that cannot be registered."""
    shapes = {index: stack[index].read().shape for index in needed}
    fixed = shapes[reference]
    if not registered:
        other = next((i for i, shape in shapes.items() if shape != fixed), None)
        if other is not None:
            raise DGNOError(
                f"{stack[reference].name} is {fixed[0]} x {fixed[1]} pixels and "
                f"{stack[other].name} is {shapes[other][0]} x {shapes[other][1]}; planes of "
                "unequal size must be registered."
            )
        return {index: _Aligned(stack[index], Region()) for index in needed}, {}
    registrations = estimate_stack_registration(stack, reference, needed)
    aligned: dict[int, _Aligned] = {}
    for index, found in registrations.items():
        plane, shape, transform = stack[index], shapes[index], found.transform
        if not found.ok:
            continue
        if shape == fixed and _is_still(transform, fixed):
            aligned[index] = _Aligned(plane, Region())
        else:
            moved = RegisteredRef(plane, transform, (fixed[0], fixed[1]))
            aligned[index] = _Aligned(moved, transform.region(shape, fixed))
    return aligned, registrations


def _is_still(transform: Transform, shape: tuple[int, ...]) -> bool:
    """Whether a transform moves no corner by a tenth of a pixel, so that resampling only harms."""
    reach = np.hypot(shape[0], shape[1]) / 2
    turn = np.hypot(transform.magnification - 1, np.radians(transform.rotation))
    return bool(np.hypot(*transform.shift) + reach * turn < 0.1)


def _pair(
    name: str,
    aligned: Mapping[int, _Aligned],
    blurred: int,
    sharp: int,
    split: str,
    tile: Region | None = None,
) -> FocusPair:
    region = aligned[blurred].region & aligned[sharp].region & (tile or Region())
    images = aligned[blurred].image, aligned[sharp].image
    return FocusPair(f"{name}, z {blurred} to {sharp}", *images, split, region)


def _composite_pairs(
    name: str,
    aligned: Mapping[int, _Aligned],
    inputs: Sequence[int],
    focus: PlaneMap,
    split: str,
) -> list[FocusPair]:
    """One pair for each input, with one target of all planes, cut to what all of them cover."""
    planes = list(aligned.values())
    target = ArrayRef(all_in_focus([plane.image for plane in planes], focus), f"{name}, composite")
    region = planes[0].region
    for plane in planes[1:]:
        region = region & plane.region
    return [
        FocusPair(f"{name}, z {i} to composite", aligned[i].image, target, split, region)
        for i in inputs
    ]


def _local_pairs(
    name: str,
    aligned: Mapping[int, _Aligned],
    inputs: Sequence[int],
    focus: PlaneMap,
    split: str,
) -> list[FocusPair]:
    """One pair for each tile and input, where the tile's best plane is clear."""
    indices = list(aligned)
    pairs = []
    for row, column in np.ndindex(*focus.plane.shape):
        if focus.plane[row, column] < 0 or focus.confidence[row, column] < CLEAR:
            continue
        sharp = indices[int(focus.plane[row, column])]
        top, bottom = (int(edge) for edge in focus.edges_y[row : row + 2])
        left, right = (int(edge) for edge in focus.edges_x[column : column + 2])
        tile = Region(top, bottom, left, right)
        where = f"{name}, tile {row} {column}"
        pairs += [_pair(where, aligned, i, sharp, split, tile) for i in inputs if i != sharp]
    return pairs
