"""Attribution maps as figures, alone or side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.interpretation.lam.reach import smoothed
from dgno_core.interpretation.lam.result import Attribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

INK, QUIET = "#1b1f24", "#6a737d"
BOX = "#00e5ff"  # bright on grey, on the diverging map and on magma alike
FAINT = 0.001  # of the largest: below, the colour of the signed map is linear, above logarithmic
LEGEND = "How much each input pixel contributed to the edges inside the box"
SIGNED = "red: made them stronger, blue: weaker; 1 = most (log scale)"
SMOOTH = "Where the contributions lie"
ROW, WIDTH, HEAD = 3.3, 12.4, 0.75  # inches
DPI = 130  # about a screen pixel for each pixel of a neighbourhood of 256


def draw_lam(attribution: Attribution) -> Figure:
    """Draw one map: the input, the restored image, the map and where its weight lies."""
    return compare_lam([attribution])


def compare_lam(attributions: Sequence[Attribution]) -> Figure:
    """Draw the maps of several models for the same box, one row each.

    Raises
    ------
    DGNOError
        If they are not of the same box, neighbourhood and path: their diffusion indices could not
        be compared.
    """
    from matplotlib.figure import Figure

    check_comparable(attributions)
    height = HEAD + ROW * len(attributions)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white", layout="constrained")
    first = attributions[0]
    window = first.window
    place = f"box of {window.height} x {window.width} px at row {window.y}, column {window.x}"
    title = f"{LEGEND}\n{first.name}, {place}; effort: {first.effort}"
    figure.suptitle(title, fontsize=11, color=INK)
    rows = figure.subfigures(len(attributions), 1, squeeze=False)
    for row, attribution in zip(rows[:, 0], attributions, strict=True):
        _draw_row(row, attribution)
    return figure


def check_comparable(attributions: Sequence[Attribution]) -> None:
    """Refuse maps whose diffusion indices mean different things.

    Raises
    ------
    DGNOError
        If they are not of the same box, neighbourhood and path, or there are none.
    """
    if not attributions:
        raise DGNOError("There is no attribution map to draw; compute one first.")
    asked = {
        (each.window, each.translate, each.absolute.shape, each.settings) for each in attributions
    }
    if len(asked) > 1:
        raise DGNOError(
            "Attribution maps of different boxes, neighbourhoods or settings cannot be compared; "
            "compute them anew with the same ones."
        )


def _draw_row(figure: SubFigure, found: Attribution) -> None:
    """Draw one model."""
    figure.suptitle(
        f"{found.model}: diffusion index {found.diffusion_index:.1f}, "
        f"90 % of the contributions lie within {found.reach():.0f} px of the box",
        fontsize=10,
        weight="bold",
        color=INK,
    )
    before, after, signed, smooth = figure.subplots(1, 4)
    _show_image(before, found.image, found, "Input", "grey: intensity")
    _show_image(after, found.restored, found, "Restored", "its edges in the box are explained")
    _show_signed(figure, signed, found)
    density, widths = smoothed(found.absolute)
    note = f"smoothed by {widths[0]:.1f} x {widths[1]:.1f} px (approximate density), 1 = most"
    picture = _show(smooth, density, found, SMOOTH, note, cmap="magma", vmin=0, vmax=1)
    bar = figure.colorbar(picture, ax=smooth, fraction=0.046, ticks=[0, 0.5, 1])
    bar.ax.tick_params(labelsize=7, colors=QUIET)


def _show_signed(figure: SubFigure, axes: Axes, found: Attribution) -> None:
    """Draw the map itself; its values span decades."""
    from matplotlib.colors import SymLogNorm

    scale = SymLogNorm(FAINT, linscale=0.3, vmin=-1, vmax=1, base=10)
    picture = _show(
        axes, found.signed, found, "Contributions to the edges", SIGNED, cmap="RdBu_r", norm=scale
    )
    ticks = [-1, -0.1, -0.01, 0, 0.01, 0.1, 1]
    bar = figure.colorbar(picture, ax=axes, fraction=0.046, ticks=ticks)
    bar.ax.set_yticklabels([f"{tick:g}" for tick in ticks])
    bar.ax.tick_params(labelsize=7, colors=QUIET)


def _show_image(
    axes: Axes, pixels: NDArray[np.float32], found: Attribution, title: str, note: str
) -> None:
    """Draw grey or colour, both images of a row in the range of the input."""
    low, high = np.percentile(found.image, (0.1, 99.9))
    scaled = np.clip((pixels - low) / (high - low if high > low else 1), 0, 1)
    shown = scaled[0] if len(scaled) == 1 else np.moveaxis(scaled, 0, -1)
    _show(axes, shown, found, title, note, cmap="gray", vmin=0, vmax=1)


def _show(
    axes: Axes, pixels: NDArray[Any], found: Attribution, title: str, note: str, **look: Any
) -> Any:
    """Draw one panel in pixels of the image, with the box."""
    from matplotlib.patches import Rectangle

    (top, left), (height, width) = found.translate, found.absolute.shape
    extent = (left - 0.5, left + width - 0.5, top + height - 0.5, top - 0.5)
    picture = axes.imshow(pixels, extent=extent, interpolation="nearest", **look)
    window = found.window
    corner = (window.x - 0.5, window.y - 0.5)
    axes.add_patch(
        Rectangle(corner, window.width, window.height, fill=False, edgecolor=BOX, linewidth=1.3)
    )
    axes.set_title(title, fontsize=9, color=INK)
    axes.set_xlabel(note, fontsize=7.5, color=QUIET)
    axes.tick_params(labelsize=6.5, colors=QUIET)
    return picture
