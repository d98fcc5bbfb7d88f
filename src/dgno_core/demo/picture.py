"""The demonstration's picture: before, after and the known truth, with the same spot magnified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dgno_core.evaluation.figures import (
    DPI,
    INK,
    QUIET,
    Box,
    Bytes,
    crop,
    display_window,
    error_map,
    place,
    to_display,
    worst_box,
)
from dgno_core.metrics.fidelity import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL, GAP, MARGIN, HEADER, CAPTION = 400, 12, 24, 62, 44  # screen pixels
MAGNIFICATION = 2.5


@dataclass(frozen=True)
class PictureRow:
    """One row of the picture."""

    title: str
    source: str
    widths: str  # of the blur
    sharp: NDArray[Any]
    blurred: NDArray[Any]
    restored: NDArray[Any]
    before: Score
    after: Score


def write_picture(comparisons: Sequence[PictureRow], path: Path) -> Path:
    """Draw all rows and write them as PNG."""
    from matplotlib.figure import Figure

    heights = [round(PANEL * row.sharp.shape[0] / row.sharp.shape[1]) for row in comparisons]
    width = 2 * MARGIN + 3 * PANEL + 2 * GAP
    height = HEADER + sum(CAPTION + tall + GAP for tall in heights) + MARGIN
    total = width, height
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    _write(
        figure,
        total,
        (MARGIN, 26),
        "Sharp images, blurred by a known amount, restored",
        INK,
        14,
        bold=True,
    )
    note = (
        "The blur changes over the field, and there is camera noise. Framed: where most was lost."
    )
    _write(figure, total, (MARGIN, 46), note, QUIET, 9)
    top = HEADER
    for row, tall in zip(comparisons, heights, strict=True):
        _draw_row(figure, total, row, top, tall)
        top += CAPTION + tall + GAP
    # No date and no version in the file: the same pixels give the same bytes.
    figure.savefig(path, format="png", dpi=DPI, metadata={"Software": None})
    return path


def _draw_row(figure: Figure, total: tuple[int, int], row: PictureRow, top: int, tall: int) -> None:
    window = display_window(row.sharp)
    spot = worst_box(error_map(row.sharp, row.blurred), round(min(row.sharp.shape[:2]) / 6))
    columns = (
        (f"blurred, {row.widths}   {_describe(row.before)}", row.blurred),
        (f"restored   {_describe(row.after)}", row.restored),
        (f"known sharp   {row.source}", row.sharp),
    )
    _write(figure, total, (MARGIN, top + 20), row.title, INK, 11, bold=True)
    for index, (note, image) in enumerate(columns):
        left = MARGIN + index * (PANEL + GAP)
        _write(figure, total, (left, top + 36), note, QUIET, 9)
        frame = (left, top + CAPTION, PANEL, tall)
        _draw_panel(figure, total, frame, to_display(image, window), spot)


def _draw_panel(
    figure: Figure, total: tuple[int, int], frame: Box, picture: Bytes, spot: Box
) -> None:
    """Draw a picture, the frame of the spot, and the spot magnified in the opposite corner."""
    from matplotlib.patches import Rectangle

    left, top, wide, tall = frame
    axes = place(figure, total, frame)
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    y, x, height, width = spot
    look: dict[str, Any] = {"fill": False, "edgecolor": "white", "linewidth": 1.2}
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), width, height, **look))
    side = round(MAGNIFICATION * width * wide / picture.shape[1])
    on_the_left = x + width / 2 > picture.shape[1] / 2
    above = y + height / 2 > picture.shape[0] / 2
    corner = (left if on_the_left else left + wide - side, top if above else top + tall - side)
    inset = place(figure, total, (*corner, side, side))
    inset.imshow(crop(picture, spot), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    inset.set_xticks([])
    inset.set_yticks([])
    for spine in inset.spines.values():
        spine.set(edgecolor="white", linewidth=1.6)


def _describe(score: Score) -> str:
    return f"PSNR {score.psnr:.2f} dB   SSIM {score.ssim:.3f}"


def _write(
    figure: Figure,
    total: tuple[int, int],
    spot: tuple[int, int],
    text: str,
    colour: str,
    size: float,
    *,
    bold: bool = False,
) -> None:
    """Write text with its baseline at (left, top) in screen pixels."""
    x, y = spot[0] / total[0], 1 - spot[1] / total[1]
    figure.text(x, y, text, color=colour, fontsize=size, weight="bold" if bold else "normal")
