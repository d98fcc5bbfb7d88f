"""The planes of a focal stack, and which of them become inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgno_core.data.pairs import ArrayRef, ImageRef, Readable
from dgno_core.errors import DGNOError
from dgno_core.io.folder import no_images, plane_files
from dgno_core.io.ome_zarr import is_zarr
from dgno_core.io.read import read_image


def stack_planes(
    path: str | Path,
    *,
    channel: int | None = None,
    time: int | None = None,
    position: int | None = None,
    axes: str | None = None,
) -> list[Readable]:
    """List the planes of a stack along z, without reading them.

    Parameters
    ----------
    path
        A stack file, or a folder of planes, which may be of unequal size.
    channel, time, position
        Which of several.
    axes
        One letter of ``TPCZYXS`` for each dimension, in place of what the file says.

    Raises
    ------
    DGNOError
        If there is no such stack.
    """
    path = Path(path)
    if not path.exists():
        raise DGNOError(f"{path} does not exist; check the name.")
    chosen = {"channel": channel, "time": time, "position": position}
    if path.is_dir() and not is_zarr(path) and all(at is None for at in chosen.values()):
        files = plane_files(path)
        if not files:
            raise DGNOError(no_images(path))
        if axes is None:
            return [ImageRef(file) for file in files]
    source = read_image(path, axes)
    sizes = dict(zip(source.axes, source.shape, strict=True))
    depth = sizes.get("Z", 1)
    planes: list[Readable] = [
        ImageRef(path, z if "Z" in sizes else None, axes=axes, **chosen) for z in range(depth)
    ]
    return planes


def check_stack(
    path: str | Path, *, sharp: int | None = None, planes: Sequence[int] | None = None
) -> None:
    """Check that a file or folder is a focal stack; its headers are read, but no pixels.

    Parameters
    ----------
    path
        A stack file, or a folder of planes, which may be of unequal size.
    sharp, planes
        Planes that it should have, counted from 0.

    Raises
    ------
    DGNOError
        If it is none; the sentence says how it is read.
    """
    path = Path(path)
    found = stack_planes(path)
    read_as, others = f"{len(found)} image{'s' * (len(found) != 1)} in a folder", ""
    if not path.is_dir() or is_zarr(path):
        source = read_image(path)
        read_as = f"axes {source.axes} ({' x '.join(map(str, source.shape))})"
        layout = source.layout(colour_model=True)
        sizes = zip(layout.outer, layout.outer_shape, strict=True)
        others = "".join(letter for letter, size in sizes if size > 1 and letter != "Z")
    if others or len(found) < 2:
        raise DGNOError(
            f"{path} is no focal stack: it is read as {read_as}, and expected are two planes or "
            f"more along Z{f', and none along {others}' * bool(others)}; save it as a stack ZYX "
            "(in ImageJ: Image > Properties tells slices, Z, from frames, T)."
        )
    for plane in (*(planes or ()), *(() if sharp is None else (sharp,))):
        if not 0 <= plane < len(found):
            raise DGNOError(
                f"{path} is read as {read_as} and has {len(found)} planes, 0 to {len(found) - 1}, "
                f"but no {plane}; choose other planes."
            )


def array_planes(stack: Any, name: str = "stack") -> list[Readable]:
    """List the planes of an array, such as a napari layer.

    Parameters
    ----------
    stack
        ``(Z, Y, X)`` or ``(Z, Y, X, 3)``; lazy arrays are computed plane by plane.
    name
        What errors call it.
    """
    shape = tuple(stack.shape)
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[-1] not in (3, 4)):
        raise DGNOError(
            f"{name} has shape {shape}; expected a stack of planes, (Z, Y, X) or (Z, Y, X, 3)."
        )
    return [ArrayRef(stack[z], f"{name}, z {z}") for z in range(shape[0])]


def chosen_planes(
    count: int,
    sharp: int,
    *,
    name: str = "the stack",
    planes: Sequence[int] | None = None,
    offsets: Sequence[int] | None = None,
    within: tuple[int, int] | None = None,
) -> list[int]:
    """Choose the planes that become inputs.

    Parameters
    ----------
    count
        Planes in the stack.
    sharp
        Index of the plane in focus, which is no input.
    name
        Of the stack, for errors.
    planes
        Indices, as BBBC006's 2, 6 and 10 (against 16).
    offsets
        Planes from the sharp one, such as -4, -2, 2, 4; those beyond the stack are left out.
    within
        All planes from the first to the last of these distances from the sharp one, on both sides.

    Returns
    -------
    list of int
        Of all planes but the sharp one, if none of them is given.

    Raises
    ------
    DGNOError
        If more than one of them is given, or no plane is left.
    """
    if sum(choice is not None for choice in (planes, offsets, within)) > 1:
        raise DGNOError("Choose the blurred planes by planes, by offsets or by within, not by two.")
    if planes is not None:
        if wrong := [plane for plane in planes if not 0 <= plane < count]:
            raise DGNOError(
                f"There is no plane {wrong[0]} in {name}, which has {count} planes, 0 to "
                f"{count - 1}; choose other blurred planes."
            )
        chosen = list(planes)
    elif offsets is not None:
        chosen = [sharp + offset for offset in offsets]
    elif within is not None:
        chosen = [i for i in range(count) if within[0] <= abs(i - sharp) <= within[1]]
    else:
        chosen = list(range(count))
    chosen = [i for i in dict.fromkeys(chosen) if i != sharp and 0 <= i < count]
    if not chosen:
        raise DGNOError(
            f"Of the {count} planes of {name}, none is left as a blurred input beside the sharp "
            f"plane {sharp}; "
            + (
                "a stack of at least two planes is needed."
                if count < 2
                else "choose other planes, offsets or distances."
            )
        )
    return chosen
