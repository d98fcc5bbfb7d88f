"""The maps of one operator as a figure, with legends in words (DGNO paper, Fig. 10)."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dgno_core.interpretation.faces import Faces
from dgno_core.interpretation.operator_maps import OperatorMaps
from dgno_core.interpretation.operator_words import MapName
from dgno_core.interpretation.registered import RegisteredMap
from dgno_core.interpretation.view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Extent: TypeAlias = tuple[float, float, float, float]

INK, QUIET = "#1b1f24", "#57606a"
PANEL = 3.9  # inches
FACES = {
    True: (
        "Flux through each face",
        "How much two neighbouring elements exchange through the face between them",
    ),
    False: (
        "Jump across each face",
        "How much the operators of two neighbouring elements differ at the face between them",
    ),
}
WRAP = 58  # letters of a legend in a line


def draw_operator(
    view: View, maps: OperatorMaps, head: int | None = None, dimension: int | None = None
) -> Figure:
    """Draw the image, its faces with the flux through them, and the maps of an operator.

    Parameters
    ----------
    view
        What the operator looked at.
    maps
        What it does there.
    head, dimension
        Which channels; without them the root mean square of all.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    height, width = maps.shape
    tall = PANEL * height / width
    size = (3 * PANEL + 2.6, 3 * (min(tall, 2 * PANEL) + 1.05) + 0.7)
    room = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.08)
    figure = Figure(figsize=size, dpi=100, facecolor="white", layout=room)
    axes = figure.subplots(3, 3).ravel()
    figure.suptitle(
        f"{maps.name}: operator at {maps.scale} size, iteration {maps.iteration}\n"
        f"{_describe(maps)}",
        x=0.01,
        ha="left",
        fontsize=12,
        color=INK,
    )
    faces = maps.faces(head)
    _image(axes[0], view, maps)
    axes[0].set_title("The image", loc="left", fontsize=11, weight="bold", color=INK)
    _words(axes[0], "What the network is given; the lines are the borders of the elements.")
    _lines(axes[0], faces.segments)
    _faces(axes[1], view, maps, faces)
    names: tuple[MapName, ...] = ("ratio", "basis", "latent", "flux", "output", "boundary")
    for one, name in zip(axes[2:8], names, strict=True):
        _map(one, maps.map(name, head, dimension), maps)
    # One basis function by itself: of its head, the one that varies most.
    chosen = 0 if head is None else head
    best = _liveliest(maps, chosen) if dimension is None else dimension
    _map(axes[8], maps.map("basis", chosen, best), maps)
    return figure


def _liveliest(maps: OperatorMaps, head: int) -> int:
    """The dimension of a head whose basis function varies most."""
    spreads = [float(maps.map("basis", head, d).data.std()) for d in range(maps.dimensions)]
    return int(np.argmax(spreads))


def _describe(maps: OperatorMaps) -> str:
    spec, flux = maps.spec, maps.spec.flux.replace("_", " and ")
    return (
        f"elements of {maps.element} x {maps.element} pixels, {maps.heads} heads of "
        f"{maps.dimensions}; {spec.formulation} operators, {flux} flux, {spec.boundary} border"
    )


def _extent(row: float, column: float, height: float, width: float) -> Extent:
    """Left, right, bottom and top edge, for pixels whose centres are at integers."""
    return (column - 0.5, column + width - 0.5, row + height - 0.5, row - 0.5)


def _frame(axes: Axes, maps: OperatorMaps) -> None:
    """Show exactly the view: what a map covers beyond it is cut off."""
    left, right, bottom, top = _extent(*maps.origin, *maps.shape)
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _image(axes: Axes, view: View, maps: OperatorMaps, *, is_dimmed: bool = False) -> None:
    grey = view.pixels.mean(0)
    low, high = np.percentile(grey, (0.5, 99.7))
    # Dimmed, the image leaves the bright colours to what lies on it.
    high = low + (high - low) * (1.8 if is_dimmed else 1)
    axes.imshow(
        grey, cmap="gray", vmin=low, vmax=high, extent=_extent(*maps.origin, *maps.shape),
        interpolation="nearest",
    )  # fmt: skip
    _frame(axes, maps)


def _lines(axes: Axes, segments: NDArray[np.float64], **look: Any) -> Any:
    from matplotlib.collections import LineCollection

    plain: dict[str, Any] = {"colors": "#4dabf7", "linewidths": 0.4, "alpha": 0.7}
    lines = LineCollection(list(segments[:, :, ::-1]), **(look or plain))
    axes.add_collection(lines)
    return lines


def _faces(axes: Axes, view: View, maps: OperatorMaps, faces: Faces) -> None:
    """Draw the flux through each face; where it has an average in it, the jump, which stands out.

    An average of two operators is as large where nothing changes as anywhere.
    """
    _image(axes, view, maps, is_dimmed=True)
    values = faces.flux if maps.spec.flux == "jump" else faces.jump
    inner = ~faces.is_boundary
    # At the border a condition replaces the neighbour: what crosses there would set the scale.
    high = float(np.percentile(values[inner], 99.8)) if inner.any() else 0.0
    high = high or float(values.max()) or 1.0
    share = np.clip(values / high, 0, 1)
    for chosen, style in ((inner, "solid"), (~inner, (0, (1, 1.5)))):
        lines = _lines(
            axes, faces.segments[chosen], cmap="plasma", capstyle="butt", linestyles=style,
            linewidths=0.6 + 2.4 * share[chosen], alpha=0.2 + 0.8 * share[chosen],
        )  # fmt: skip
        lines.set_array(values[chosen])
        lines.set_clim(0, high)
        if style == "solid":
            _bar(axes, lines, faces.unit, is_signed=False)
    title, meaning = FACES[maps.spec.flux == "jump"]
    axes.set_title(title, loc="left", fontsize=11, weight="bold", color=INK)
    border = "dotted: the border of the part, where a condition stands for the neighbour"
    _words(axes, f"{meaning}; {border}.")


def _map(axes: Axes, shown: RegisteredMap, maps: OperatorMaps) -> None:
    low, high = shown.limits
    height, width = (n * step for n, step in zip(shown.data.shape, shown.scale, strict=True))
    row, column = (
        at - (step - 1) / 2 for at, step in zip(shown.translate, shown.scale, strict=True)
    )
    drawn = axes.imshow(
        shown.data, cmap=shown.colour_map, vmin=low, vmax=high,
        extent=_extent(row, column, height, width), interpolation="nearest",
    )  # fmt: skip
    _frame(axes, maps)
    axes.set_title(shown.title, loc="left", fontsize=11, weight="bold", color=INK)
    _words(axes, shown.legend)
    _bar(axes, drawn, shown.unit, is_signed=shown.is_signed)


def _words(axes: Axes, text: str) -> None:
    axes.set_xlabel(fill(text, WRAP), fontsize=8.5, color=QUIET, loc="left")


def _bar(axes: Axes, drawn: Any, unit: str, *, is_signed: bool) -> None:
    figure = axes.figure
    assert figure is not None
    bar = figure.colorbar(
        drawn, ax=axes, fraction=0.046, pad=0.02, extend="both" if is_signed else "max"
    )
    bar.set_label(unit, fontsize=8, color=QUIET)
    bar.ax.tick_params(labelsize=7, colors=QUIET)
    if bar.solids is not None:
        bar.solids.set_alpha(1)
    bar.outline.set_visible(False)
