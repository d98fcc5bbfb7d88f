"""All maps on one sheet, each with its legend in words.

matplotlib is imported on use, and drawn on without pyplot: no global state, no window system.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import fill, wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.interpretation.trust.result import TrustFound, TrustMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float32]

INK, QUIET = "#1b1f24", "#57606a"
COLUMNS = 3
_WIDTH = 4.4  # inches of a panel
_CHARACTERS = 58  # of a line below a panel
_LINE = 0.17  # inches
_DPI = 110


def trust_figure(observed: Floats, found: TrustFound, name: str = "") -> Figure:
    """Draw the recorded and the restored image, and all maps.

    Parameters
    ----------
    observed
        ``(C, Y, X)``: the pixels of the view.
    found
        What `trust_events` found in it.
    name
        Of the image, for the heading.
    """
    from matplotlib.figure import Figure

    panels: list[tuple[str, Floats | TrustMap, str]] = [
        ("Recorded", observed, "The image as it was recorded."),
        ("Restored", found.restored, "The result, in the same window of brightness."),
        *((each.title, each, f"{each.legend} In {each.unit}.") for each in found.maps),
    ]
    rows = -(-len(panels) // COLUMNS)
    height = (_WIDTH - 0.6) * observed.shape[1] / observed.shape[2]
    below = max(len(wrap(text, _CHARACTERS)) for *_, text in panels) * _LINE + 0.15
    heading = fill(" ".join([found.verdict.sentence, found.summary, *found.warnings]), 150)
    top = 0.35 + _LINE * 1.25 * heading.count("\n") + 0.45
    size = (COLUMNS * _WIDTH, top + rows * (height + below + 0.4))
    figure = Figure(figsize=size, dpi=_DPI, facecolor="white")
    colour = "#b42318" if found.warnings else INK
    figure.text(0.1 / size[0], 1 - 0.12 / size[1], name, va="top", weight="bold", color=INK)
    place = 1 - 0.35 / size[1]
    figure.text(0.1 / size[0], place, heading, va="top", size=9.5, color=colour)
    for index, (title, picture, text) in enumerate(panels):
        row, column = divmod(index, COLUMNS)
        down = top + row * (height + below + 0.4) + 0.25 + height
        spot = (column * _WIDTH + 0.1, size[1] - down, _WIDTH - 0.65, height)
        axes = figure.add_axes(tuple(v / size[i % 2] for i, v in enumerate(spot)))
        axes.set_axis_off()
        axes.set_title(title, loc="left", fontsize=10, weight="bold", color=INK)
        axes.text(
            0, -0.07 / height, fill(text, _CHARACTERS), transform=axes.transAxes, va="top",
            fontsize=7.8, color=QUIET,
        )  # fmt: skip
        if isinstance(picture, TrustMap):
            _show_map(figure, axes, picture)
        else:
            _show_image(axes, picture)
    return figure


def save_trust_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    figure.savefig(path, format="png", dpi=_DPI)


def _show_image(axes: Axes, image: Floats) -> None:
    shown: NDArray[Any] = np.clip(image, 0, 1)
    shown = shown[0] if len(shown) == 1 else np.moveaxis(shown, 0, -1)
    axes.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def _show_map(figure: Figure, axes: Axes, each: TrustMap) -> None:
    """Draw a map with its colour bar."""
    low, high = each.limits
    drawn = axes.imshow(
        each.values, cmap=each.colour_map, vmin=low, vmax=high, interpolation="nearest"
    )
    ends = (each.is_signed and float(each.values.min()) < low, float(each.values.max()) > high)
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[ends]
    box = axes.get_position()
    bar = figure.add_axes((box.x1 + 0.004, box.y0, 0.009, box.height))
    colours = figure.colorbar(drawn, cax=bar, extend=extend)
    colours.ax.tick_params(labelsize=7, colors=QUIET)
    colours.outline.set_visible(False)
