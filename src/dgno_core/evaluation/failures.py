"""Where a model is most wrong: the spots that its card must show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dgno_core.evaluation.figures import (
    FigurePanel,
    crop,
    display_window,
    error_map,
    error_panel,
    grid_figure,
    save_picture,
    to_display,
    worst_box,
)
from dgno_core.evaluation.protocol import Pictures
from dgno_core.evaluation.scores import FailureSpot
from dgno_core.metrics.fidelity import psnr, scale_by_reference

SHOWN = 3
SIDE = 128  # px of a spot


@dataclass(frozen=True, eq=False)
class Failure:
    """A spot and its pictures: blurred, restored, sharp, error."""

    spot: FailureSpot
    panels: tuple[FigurePanel, ...]


def find_failure(image: str, pictures: Pictures, side: int = SIDE) -> Failure:
    """Find the square of an image where the restored one is most wrong.

    Parameters
    ----------
    image
        Its name.
    pictures
        Has ``sharp``, ``blurred`` and ``ours``.
    side
        Of the square, in pixels.
    """
    sharp, blurred, ours = (pictures[name] for name in ("sharp", "blurred", "ours"))
    error = error_map(sharp, ours)
    box = worst_box(error, side)
    # Scaled by the whole sharp image, so that spots can be compared with it and with each other.
    known, *others = (crop(one, box) for one in scale_by_reference(sharp, blurred, ours))
    before, after = (psnr(known, one, data_range=1.0) for one in others)
    spot = FailureSpot(image, box, float(crop(error, box).mean()), before, after)
    window = display_window(sharp)
    shown = [to_display(crop(one, box), window) for one in (blurred, ours, sharp)]
    wrong = error_panel(sharp, ours)
    top, left = box[:2]
    return Failure(
        spot,
        (
            FigurePanel("blurred", f"{before:.2f} dB in this spot", shown[0]),
            FigurePanel("restored", f"{after:.2f} dB in this spot", shown[1]),
            FigurePanel("sharp", f"{image}, from row {top}, column {left}", shown[2]),
            FigurePanel(wrong.title, wrong.note, crop(wrong.picture, box), wrong.colour_map),
        ),
    )


def worst_failures(failures: Iterable[Failure], count: int = SHOWN) -> list[Failure]:
    """Choose the spots with the largest errors, one per image, worst first."""
    return sorted(failures, key=lambda failure: -failure.spot.error)[:count]


def draw_failures(failures: Iterable[Failure], path: Path) -> Path:
    """Draw blurred, restored, sharp and the error of each spot in a row."""
    return save_picture(grid_figure([failure.panels for failure in failures]), path)
