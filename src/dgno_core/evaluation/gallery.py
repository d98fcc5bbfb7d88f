"""The pictures of the page: each image by all models, the worst spots, the real stack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dgno_core.evaluation.figures import (
    DPI,
    INK,
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
from dgno_core.evaluation.focal_stack import StackScored
from dgno_core.evaluation.protocol import ImageResult, Pictures
from dgno_core.evaluation.scores import FailureSpot, ModelScores
from dgno_core.metrics.fidelity import psnr, scale_by_reference

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 6  # panels in a row, at most
SHOWN = 3  # failures of a model
SIDE = 128  # px of the spot of a failure
SHOWN_DEPTHS = (-8, -4, 0, 4, 8)  # planes of the stack
CLASSIC = {"wiener": "Wiener", "richardson_lucy": "Richardson-Lucy"}


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


class Gallery:
    """Gathers panels model by model, and draws them into a folder at the end.

    Only what will be seen is kept: panels of 8 bits.

    Parameters
    ----------
    folder
        Where the pictures go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._images: dict[str, list[FigurePanel]] = {}
        self._errors: dict[str, FigurePanel] = {}
        self._failures: dict[str, list[Failure]] = {}
        self._stack: dict[int, list[FigurePanel]] = {}

    def add_image(self, result: ImageResult, pictures: Pictures) -> None:
        """Take an image that a model restored."""
        sharp = pictures["sharp"]
        window = display_window(sharp)
        name = result.name
        if name not in self._images:
            classic = max(CLASSIC, key=lambda method: result.scores[method].psnr)
            self._images[name] = [
                FigurePanel("sharp", name, to_display(sharp, window)),
                *(
                    FigurePanel(title, _note(result, method), to_display(pictures[method], window))
                    for method, title in (("blurred", "blurred"), (classic, CLASSIC[classic]))
                ),
            ]
            error = error_panel(sharp, pictures["ours"])
            self._errors[name] = FigurePanel(
                f"{error.title}, {result.model}", error.note, error.picture, error.colour_map
            )
        ours = FigurePanel(
            result.model, _note(result, "ours"), to_display(pictures["ours"], window)
        )
        self._images[name].append(ours)
        kept = self._failures.get(result.model, [])
        self._failures[result.model] = worst_failures([*kept, find_failure(name, pictures)])

    def failures(self, model: str) -> tuple[FailureSpot, ...]:
        """The spots where a model is most wrong, worst first."""
        return tuple(failure.spot for failure in self._failures.get(model, []))

    def add_stack(self, scored: StackScored) -> None:
        """Take a stack that a model restored."""
        window = display_window(scored.sharp)
        scores = {plane.depth: plane for plane in scored.planes}
        for depth in SHOWN_DEPTHS:
            if depth not in scored.pictures:
                continue
            plane = scores[depth]
            recorded, ours = (to_display(image, window) for image in scored.pictures[depth])
            before = "in focus" if depth == 0 else f"{plane.before:.2f} dB"
            title = f"plane {depth:+d}, as recorded" if depth else "plane 0, as recorded"
            row = self._stack.setdefault(depth, [FigurePanel(title, before, recorded)])
            row.append(FigurePanel(scored.model, f"{plane.after:.2f} dB", ours))

    def draw(self, scores: Sequence[ModelScores]) -> dict[str, str]:
        """Write all pictures; return their file names.

        Returns
        -------
        dict
            By name of the image; ``"MODEL/failures"``; ``"stack"`` and ``"stack/curve"``.
        """
        names: dict[str, str] = {}
        for name, panels in self._images.items():
            shown = [*panels, self._errors[name]]
            # Two rows of 4 rather than one of 6 and one of 2.
            columns = ceil(len(shown) / ceil(len(shown) / COLUMNS))
            rows = [shown[i : i + columns] for i in range(0, len(shown), columns)]
            names[name] = save_picture(grid_figure(rows), self.folder / f"{name}.jpg").name
        for model, failures in self._failures.items():
            path = self.folder / f"{Path(model).stem}-failures.jpg"
            names[f"{model}/failures"] = draw_failures(failures, path).name
        if self._stack:
            stack = grid_figure([self._stack[depth] for depth in sorted(self._stack)])
            names["stack"] = save_picture(stack, self.folder / "stack.jpg").name
        if any(one.planes for one in scores):
            curve = self.folder / "stack-curve.png"
            stack_curve(scores).savefig(curve, metadata={"Software": None})
            names["stack/curve"] = curve.name
        return names


def stack_curve(scores: Sequence[ModelScores]) -> Figure:
    """Plot PSNR of the planes of the real stack, recorded and restored by each model."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 3.6), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    judged = [one for one in scores if one.planes]
    depths = [plane.depth for plane in judged[0].planes]
    before = [plane.before if np.isfinite(plane.before) else np.nan for plane in judged[0].planes]
    axes.plot(depths, before, "o:", ms=3, color=INK, label="recorded")
    for one in judged:
        after = [plane.after if np.isfinite(plane.after) else np.nan for plane in one.planes]
        axes.plot([plane.depth for plane in one.planes], after, "o-", ms=3, label=one.model)
    axes.set(xlabel="planes from focus", ylabel="PSNR against the plane in focus (dB)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    return figure


def _note(result: ImageResult, method: str) -> str:
    score = result.scores[method]
    return f"{score.psnr:.2f} dB, SSIM {score.ssim:.3f}"
