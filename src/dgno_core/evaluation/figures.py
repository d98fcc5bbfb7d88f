"""Pictures for the report: panels side by side under one intensity window.

matplotlib is imported on use, and drawn on without pyplot: no global state, no window system.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Bytes: TypeAlias = NDArray[np.uint8]
Box: TypeAlias = tuple[int, int, int, int]  # top, left, height, width

INK = "#1b1f24"
QUIET = "#6a737d"
FULL_ERROR = 0.1  # the error map is white-hot at a tenth of the sharp image's range
SIZE_LIMIT = 290_000  # bytes of a picture in the docs
DPI = 100


@dataclass(frozen=True)
class FigurePanel:
    """One picture with its caption: `title` in bold, `note` (such as a score) below it."""

    title: str
    note: str
    picture: Bytes
    colour_map: str = "gray"


def display_window(sharp: ArrayLike) -> tuple[float, float]:
    """Intensities shown black and white: nearly the whole range of the sharp image."""
    values = np.asarray(sharp, dtype=np.float64)
    low, high = np.percentile(values, (0.1, 99.9))
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def to_display(image: ArrayLike, window: tuple[float, float]) -> Bytes:
    """Map an image to 0..255 through a window that all panels share."""
    low, high = window
    scaled = (np.asarray(image, dtype=np.float64) - low) / (high - low)
    return np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)


def error_map(sharp: ArrayLike, image: ArrayLike) -> NDArray[np.float64]:
    """Absolute error in units of the sharp image's range, averaged over colours: ``(Y, X)``."""
    reference = np.asarray(sharp, dtype=np.float64)
    span = float(np.ptp(reference)) or 1.0
    error = np.abs(np.asarray(image, dtype=np.float64) - reference) / span
    return np.asarray(error.mean(axis=-1) if error.ndim == 3 else error)


def error_panel(sharp: ArrayLike, image: ArrayLike) -> FigurePanel:
    """Show where an image is wrong."""
    error = error_map(sharp, image)
    note = f"black 0, white ≥ {FULL_ERROR:g} of the range"
    return FigurePanel("absolute error", note, to_display(error, (0, FULL_ERROR)), "inferno")


def worst_box(error: NDArray[np.float64], side: int) -> Box:
    """Find the square of that side with the largest mean error (the whole image if smaller)."""
    from scipy.ndimage import uniform_filter

    height, width = (min(side, size) for size in error.shape)
    mean = uniform_filter(error, (height, width), mode="nearest")
    top, left = height // 2, width // 2
    inside = mean[
        top : error.shape[0] - (height - 1 - top), left : error.shape[1] - (width - 1 - left)
    ]
    y, x = np.unravel_index(int(np.argmax(inside)), inside.shape)
    return int(y), int(x), height, width


def crop(picture: NDArray[Any], box: Box) -> NDArray[Any]:
    """Cut a box out of a picture."""
    top, left, height, width = box
    return picture[top : top + height, left : left + width]


def row_figure(panels: Sequence[FigurePanel], panel_width: int = 280) -> Figure:
    """Lay pictures side by side, each `panel_width` screen pixels wide."""
    return grid_figure([panels], panel_width)


def grid_figure(rows: Sequence[Sequence[FigurePanel]], panel_width: int = 280) -> Figure:
    """Lay rows of pictures below each other, each picture `panel_width` screen pixels wide."""
    from matplotlib.figure import Figure

    gap, caption = 8, 40
    heights = [
        round(panel_width * panels[0].picture.shape[0] / panels[0].picture.shape[1])
        for panels in rows
    ]
    most = max(len(panels) for panels in rows)
    total = most * panel_width + (most - 1) * gap, sum(heights) + caption * len(rows)
    figure = Figure(figsize=(total[0] / DPI, total[1] / DPI), dpi=DPI, facecolor="white")
    top = 0
    for panels, tall in zip(rows, heights, strict=True):
        for index, panel in enumerate(panels):
            left = index * (panel_width + gap)
            show(place(figure, total, (left, top + caption, panel_width, tall)), panel)
        top += caption + tall
    return figure


def save_picture(figure: Figure, path: Path, limit: int = SIZE_LIMIT) -> Path:
    """Write a figure as JPEG, at the best quality that fits into `limit` bytes."""
    for quality in (90, 85, 80, 75, 70, 60, 50):
        buffer = BytesIO()
        options = {"quality": quality, "optimize": True, "progressive": True}
        figure.savefig(buffer, format="jpeg", dpi=DPI, pil_kwargs=options)
        if buffer.tell() <= limit:
            break
    path.write_bytes(buffer.getvalue())
    return path


def place(figure: Figure, total: tuple[int, int], spot: Box) -> Axes:
    """Add axes at (left, top, width, height) in screen pixels from the upper left corner."""
    left, top, width, height = spot
    bottom = total[1] - top - height
    return figure.add_axes(
        (left / total[0], bottom / total[1], width / total[0], height / total[1])
    )


def show(axes: Axes, panel: FigurePanel) -> None:
    """Draw a panel and write its captions above it."""
    axes.imshow(panel.picture, cmap=panel.colour_map, vmin=0, vmax=255, interpolation="nearest")
    axes.set_axis_off()
    title: dict[str, Any] = {"color": INK, "fontsize": 9, "weight": "bold"}
    note: dict[str, Any] = {"color": QUIET, "fontsize": 7.5}
    for text, height, look in ((panel.title, 14, title), (panel.note, 4, note)):
        axes.annotate(text, (0, 1), (1, height), "axes fraction", "offset points", **look)
