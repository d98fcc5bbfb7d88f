"""One picture of a comparison: both images with their objects outlined by what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dgno_core.detection.results import Detection, DetectionFound
from dgno_core.detection.status import (
    STATUS_COLOURS,
    STATUS_VALUES,
    STATUS_WORDS,
    paint_status,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL = 720  # screen pixels of a panel's longer edge
DPI = 100
ALONE = STATUS_COLOURS["matched"]
WINDOW = (0.5, 99.8)  # percentiles of the first image that are black and white in both


def draw_comparison(
    found: DetectionFound, before: NDArray[Any], after: NDArray[Any] | None = None, plane: int = 0
) -> Figure:
    """Draw one plane of a detection.

    Parameters
    ----------
    found
        The result.
    before, after
        The pixels of that plane, ``(Y, X)`` or ``(Y, X, 3)``.
    plane
        Its number, in the order of `Detection.planes`.

    Returns
    -------
    matplotlib.figure.Figure
        Before left, after right, and a legend with the number of objects in words.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    sides: list[tuple[Literal["before", "after"], Detection, Any]]
    sides = [("before", found.before, before)]
    if found.after is not None:
        sides.append(("after", found.after, after))
    height, width = before.shape[:2]
    scale = PANEL / max(height, width)
    wide, tall = round(width * scale), round(height * scale)
    legend, title, gap = 34, 26, 8
    size = len(sides) * wide + (len(sides) - 1) * gap, tall + legend + title
    figure = Figure(figsize=(size[0] / DPI, size[1] / DPI), dpi=DPI, facecolor="white")
    window = np.percentile(before, WINDOW)
    for index, (side, detection, pixels) in enumerate(sides):
        assert pixels is not None, "the pixels of the second image are missing"
        axes = figure.add_axes(
            (index * (wide + gap) / size[0], legend / size[1], wide / size[0], tall / size[1])
        )
        axes.imshow(_grey(pixels, window), interpolation="nearest")
        labels = detection.planes[plane]
        status = (
            paint_status(labels, found.matches[plane], side)
            if found.matches
            else np.zeros_like(labels)
        )
        draw_outlines(axes, status, labels)
        axes.set_axis_off()
        number = int(np.count_nonzero(np.unique(labels)))
        axes.set_title(f"{side}: {number} objects", fontsize=10, pad=4, loc="left")
    figure.legend(
        handles=[Patch(color=colour, label=text) for colour, text in _legend(found, plane)],
        loc="lower center",
        ncols=3,
        fontsize=9,
        frameon=False,
        borderaxespad=0.2,
    )
    return figure


def draw_outlines(axes: Any, status: NDArray[Any], labels: NDArray[Any]) -> None:
    """Outline each object of `labels` in the colour of its value in `status`, see `status_map`."""
    from matplotlib.collections import LineCollection
    from skimage import measure

    colours: dict[int, str] = {STATUS_VALUES[name]: STATUS_COLOURS[name] for name in STATUS_VALUES}
    lines: dict[str, list[NDArray[np.float64]]] = {}
    for region in measure.regionprops(labels):  # type: ignore[no-untyped-call]
        top, left = region.bbox[:2]
        y, x = region.coords[0]
        outline = measure.find_contours(  # type: ignore[no-untyped-call]
            np.pad(region.image.astype(float), 1), 0.5
        )
        colour = colours.get(int(status[y, x]), ALONE)
        lines.setdefault(colour, []).extend(line[:, ::-1] + (left - 1, top - 1) for line in outline)
    # The common ones first, so that the others lie on top of them.
    for colour in sorted(lines, key=lambda one: one != ALONE):
        axes.add_collection(LineCollection(lines[colour], colors=colour, linewidths=1.3))


def _legend(found: DetectionFound, plane: int) -> list[tuple[str, str]]:
    if not found.matches:
        return [(ALONE, "found")]
    match = found.matches[plane]
    counts = {"matched": len(match.pairs), "lost": len(match.lost), "gained": len(match.gained)}
    return [
        (STATUS_COLOURS[name], f"{name}: {counts[name]} {words}")
        for name, words in STATUS_WORDS.items()
    ]


def _grey(pixels: NDArray[Any], window: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Map to RGB through the window, a little darkened so that the outlines are seen."""
    low, high = float(window[0]), float(window[1])
    scaled = np.clip((pixels.astype(float) - low) / ((high - low) or 1.0), 0, 1) * 0.9
    rgb = np.rint(scaled * 255).astype(np.uint8)
    return rgb if rgb.ndim == 3 else np.repeat(rgb[..., None], 3, axis=2)
