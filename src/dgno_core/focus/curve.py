"""Which plane of a stack is in focus: of the whole field, and tile by tile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.data.grey import Floats, as_grey
from dgno_core.errors import DGNOError
from dgno_core.focus.sharpness import focus_measure
from dgno_core.io.atomic import writing

CLEAR = 0.3  # a peak this far above the median plane, relative to itself, is clear
INK, QUIET, COLOURS = "#1b1f24", "#6a737d", ("#1971c2", "#e8590c", "#2f9e44")


@dataclass(frozen=True)
class BestPlane:
    """The plane of best focus.

    Attributes
    ----------
    index
        Of the plane, from 0 on.
    position
        Where the parabola through it and its neighbours peaks, in planes.
    confidence
        0 to 1: how far the peak stands above the median plane, relative to itself. 0 for a flat
        curve, 1 where the other planes hold no structure at all.
    warning
        One sentence on why the choice may be wrong; None if nothing speaks against it.
    """

    index: int
    position: float
    confidence: float
    warning: str | None = None

    def __index__(self) -> int:
        return self.index


@dataclass(frozen=True, eq=False)
class PlaneMap:
    """The plane of best focus in each tile.

    Attributes
    ----------
    plane
        ``(rows, columns)`` of tiles: index of the best plane; -1 where the tile is empty.
    confidence
        ``(rows, columns)``, 0 to 1, as in `BestPlane`.
    curves
        ``(Z, rows, columns)``: the focus measure.
    edges_y, edges_x
        Where the tiles begin and end: tile ``i`` has the rows ``edges_y[i]:edges_y[i + 1]``.
    """

    plane: NDArray[np.intp]
    confidence: Floats
    curves: Floats
    edges_y: NDArray[np.intp]
    edges_x: NDArray[np.intp]


def focus_curve(stack: Iterable[Any], measure: str = "tenengrad") -> Floats:
    """Focus measure of every plane.

    Parameters
    ----------
    stack
        ``(Z, Y, X)`` or ``(Z, Y, X, 3)``, or a sequence of planes, which may be of unequal size,
        and may be images that are still to be read (`ImageRef`): one is in memory at a time.
    measure
        ``"laplacian"``, ``"tenengrad"`` or ``"spectral"``.

    Returns
    -------
    ndarray
        ``(Z,)``, larger is sharper.

    Raises
    ------
    DGNOError
        If there is no plane, or one cannot be measured.
    """
    function = focus_measure(measure)
    values = [function(plane) for plane in _planes(stack)]
    if not values:
        raise DGNOError("The stack has no planes.")
    return np.array(values)


def best_plane(stack: Iterable[Any], measure: str = "tenengrad") -> BestPlane:
    """Find the plane of a stack that is in focus.

    Parameters
    ----------
    stack, measure
        As in `focus_curve`.

    Returns
    -------
    BestPlane
        It can stand for its index: ``stack[best_plane(stack)]`` is the plane in focus.

    Raises
    ------
    DGNOError
        If there is no plane, or one cannot be measured.

    Examples
    --------
    >>> import numpy as np
    >>> from dgno_core.focus import best_plane
    >>> from scipy.ndimage import gaussian_filter
    >>> squares = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((8, 8)))
    >>> stack = np.stack([gaussian_filter(squares, sigma) for sigma in (3, 2, 1, 2)])
    >>> best_plane(stack).index
    2
    """
    return peak(focus_curve(stack, measure))


def peak(curve: ArrayLike) -> BestPlane:
    """Find the peak of a focus curve.

    Parameters
    ----------
    curve
        ``(Z,)``, at least 0, as `focus_curve` gives it.

    Raises
    ------
    DGNOError
        If the curve is empty or holds NaN.
    """
    values = np.asarray(curve, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise DGNOError("A focus curve needs one finite value for each plane.")
    index, last = int(values.argmax()), values.size - 1
    highest = float(values[index])
    confidence = float(_confidence(values))
    warning = None
    if last == 0:
        warning = "The stack has one plane only, so there is nothing to choose from."
    elif highest == 0:
        warning = (
            "No plane holds structure that stands out from the noise; "
            "choose the plane in focus by hand."
        )
    elif confidence < CLEAR:
        warning = (
            f"The focus curve is nearly flat (its peak at plane {index} is only "
            f"{100 * confidence:.0f} % above the rest); look at the planes and choose by hand."
        )
    elif index in (0, last):
        warning = (
            f"The sharpest plane ({index}) is the {'first' if index == 0 else 'last'} of the "
            "stack, so the true focus may lie outside of it."
        )
    position = float(index)
    if 0 < index < last:
        before, after = values[index - 1], values[index + 1]
        bend = before - 2 * highest + after
        position += float(0.5 * (before - after) / bend) if bend < 0 else 0.0
    return BestPlane(index, position, confidence, warning)


def best_plane_map(stack: Iterable[Any], tile: int, measure: str = "tenengrad") -> PlaneMap:
    """Find the plane of best focus for each tile of a tilted, bent or thick specimen.

    Parameters
    ----------
    stack
        As in `focus_curve`, but with planes of one size.
    tile
        Side of the tiles in pixels, about: the image is cut evenly.
    measure
        As in `focus_curve`.

    Raises
    ------
    DGNOError
        If the planes are of unequal size or cannot be measured.
    """
    function = focus_measure(measure)
    if tile < 8:
        raise DGNOError(f"Tiles of {tile} pixels are too small; take at least 8, better 64.")
    curves: list[Floats] = []
    shape: tuple[int, ...] = ()
    for plane in _planes(stack):
        grey = as_grey(plane)
        shape = shape or grey.shape
        if grey.shape != shape:
            raise DGNOError(
                f"Planes of {shape[0]} x {shape[1]} and {grey.shape[0]} x {grey.shape[1]} pixels "
                "cannot be compared tile by tile; register them first."
            )
        edges_y, edges_x = (_edges(size, tile) for size in shape)
        values = [
            [function(grey[top:bottom, left:right]) for left, right in _spans(edges_x)]
            for top, bottom in _spans(edges_y)
        ]
        curves.append(np.array(values))
    if not curves:
        raise DGNOError("The stack has no planes.")
    volume = np.stack(curves)
    empty = volume.max(0) == 0
    return PlaneMap(
        np.where(empty, -1, volume.argmax(0)),
        np.where(empty, 0.0, _confidence(volume)),
        volume,
        edges_y,
        edges_x,
    )


def plot_focus_curve(
    curves: ArrayLike | Mapping[str, ArrayLike],
    path: Path,
    *,
    positions: Sequence[float] | None = None,
    label: str = "plane",
) -> Path:
    """Draw focus curves over z, each relative to its peak, as a picture.

    Parameters
    ----------
    curves
        ``(Z,)``, or several of them by name.
    path
        PNG, SVG, PDF or JPEG.
    positions
        Of the planes along z; None counts them from 0.
    label
        Of the axis along z, with its unit.
    """
    from matplotlib.figure import Figure

    named = curves if isinstance(curves, Mapping) else {"": curves}
    figure = Figure(figsize=(6, 3), dpi=120, facecolor="white", layout="constrained")
    axes = figure.subplots()
    for number, (name, curve) in enumerate(named.items()):
        values, colour = np.asarray(curve, dtype=np.float64), COLOURS[number % len(COLOURS)]
        z = np.arange(values.size) if positions is None else np.asarray(positions)
        best = peak(values)
        axes.plot(z, values / (values.max() or 1), ".-", color=colour, label=name, linewidth=1.2)
        at = float(np.interp(best.position, np.arange(values.size), z))
        axes.axvline(at, color=colour, linewidth=0.8, linestyle=":")
    axes.set_xlabel(label, color=INK)
    axes.set_ylabel("focus, relative to its peak", color=INK)
    axes.set_ylim(bottom=0)
    axes.tick_params(colors=QUIET)
    axes.spines[["top", "right"]].set_visible(False)
    if any(named):
        axes.legend(frameon=False)
    with writing(path):
        figure.savefig(path)
    return path


def _planes(stack: Iterable[Any]) -> Iterator[Any]:
    """The planes one by one, read if they are still to be read."""
    for plane in stack:
        yield plane.read() if hasattr(plane, "read") else plane


def _confidence(curves: Floats) -> Floats:
    """How far the peak along the first axis stands above the median of the other planes."""
    if len(curves) == 1:
        return np.zeros(curves.shape[1:])
    ordered = np.sort(curves, axis=0)
    peak, rest = ordered[-1], np.median(ordered[:-1], axis=0)
    shares: Floats = np.divide(peak - rest, peak, out=np.zeros_like(peak), where=peak > 0)
    return shares


def _edges(size: int, tile: int) -> NDArray[np.intp]:
    """Borders of tiles that share a side evenly, none smaller than half a tile."""
    return np.linspace(0, size, max(1, round(size / tile)) + 1).round().astype(np.intp)


def _spans(edges: NDArray[np.intp]) -> list[tuple[int, int]]:
    return [(int(start), int(stop)) for start, stop in pairwise(edges)]
