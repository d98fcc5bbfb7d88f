"""The curves of a run: the loss of every step, and the score of the held-out images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QSizePolicy

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from dgno_core.training.runs.record import RunRecord

#: More points than this are thinned out: the panel has no more pixels.
MOST_POINTS = 600
#: Colours that stand out from napari's dark and light backgrounds.
DARK = {"loss": "#6ea8fe", "score": "#ffb454"}
LIGHT = {"loss": "#1f5fbf", "score": "#b35c00"}
HEIGHT = 300
SMALLEST = 200


class RunPlot(FigureCanvasQTAgg):
    """Loss above, validation below, over the same steps, in the colours of napari's theme.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its theme is followed.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(Figure(layout="constrained"))
        self._viewer = viewer
        self._record: RunRecord | None = None
        self.loss_axes, self.score_axes = self.figure.subplots(2, 1, sharex=True)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(SMALLEST)
        viewer.events.theme.connect(self._on_theme)

    def minimumSizeHint(self) -> object:
        """Let the dock become narrow."""
        hint = super().minimumSizeHint()
        hint.setWidth(SMALLEST)
        return hint

    def disconnect_viewer(self) -> None:
        """Follow the theme no longer."""
        self._viewer.events.theme.disconnect(self._on_theme)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave scrolling to the panel."""
        event.ignore()

    def show_record(self, record: RunRecord) -> None:
        """Draw a run anew."""
        self._record = record
        self._draw()

    def _on_theme(self, event: object = None) -> None:
        self._draw()

    def _draw(self) -> None:
        from napari.utils.theme import get_theme

        theme = get_theme(self._viewer.theme)
        background, text, grid = (
            getattr(theme, name).as_hex(format="long") for name in ("background", "text", "primary")
        )
        is_dark = sum(int(background[i : i + 2], 16) for i in (1, 3, 5)) < 3 * 128
        colours = DARK if is_dark else LIGHT
        self.figure.set_facecolor(background)
        for axes in (self.loss_axes, self.score_axes):
            axes.clear()
            axes.set_facecolor(background)
            axes.tick_params(colors=text, labelsize=8)
            axes.spines[:].set_color(grid)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(visible=True, color=grid, linewidth=0.6)
            axes.set_axisbelow(True)
        self._draw_losses(colours["loss"], text)
        self._draw_scores(colours["score"], text)
        self.draw_idle()

    def _draw_losses(self, colour: str, text: str) -> None:
        axes = self.loss_axes
        axes.set_title("Loss (lower is better)", color=text, fontsize=9, loc="left")
        axes.tick_params(labelbottom=False)
        if self._record is None or not self._record.losses:
            return
        steps, values = (np.array(part) for part in zip(*self._record.losses, strict=True))
        thin = slice(None, None, max(1, len(steps) // MOST_POINTS))
        smooth = _smoothed(values)
        axes.plot(steps[thin], values[thin], color=colour, alpha=0.35, linewidth=0.8)
        axes.plot(steps[thin], smooth[thin], color=colour, linewidth=1.8)
        if values.min() > 0:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")
            axes.yaxis.set_major_locator(_loss_ticks(values.max() / values.min()))
        axes.set_xlim(0, 1.03 * max(self._record.step, 2))

    def _draw_scores(self, colour: str, text: str) -> None:
        axes = self.score_axes
        axes.set_title("PSNR in dB (higher is better)", color=text, fontsize=9, loc="left")
        axes.set_xlabel("step", color=text, fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if self._record is None or not self._record.scores:
            axes.set_yticks([])
            axes.text(
                0.5, 0.5, "after the first validation", color=text, fontsize=8, alpha=0.8,
                ha="center", va="center", transform=axes.transAxes,
            )  # fmt: skip
            return
        axes.yaxis.set_major_locator(MaxNLocator(4))
        steps, blurred, psnr = (np.array(part) for part in zip(*self._record.scores, strict=True))
        axes.axhline(blurred[-1], color=text, linestyle="--", linewidth=1)
        axes.plot(steps, psnr, "o-", color=colour, markersize=3.5, linewidth=1.6)
        axes.margins(y=0.3)
        words = {"textcoords": "offset points", "fontsize": 8, "annotation_clip": False}
        _, right = axes.get_xlim()
        axes.annotate(
            f"blurred input: {blurred[-1]:.1f}", (right, blurred[-1]), (-2, 3), color=text,
            ha="right", va="bottom", **words,
        )  # fmt: skip
        if self._record.best is not None:
            step, best = self._record.best
            axes.plot(step, best, "o", markersize=9, fillstyle="none", color=colour)
            is_late = step > right / 2
            axes.annotate(
                f"best: {best:.1f}", (step, best), (-8 if is_late else 8, 5), color=colour,
                ha="right" if is_late else "left", va="bottom", **words,
            )  # fmt: skip


def _loss_ticks(span: float) -> MaxNLocator | LogLocator:
    """Round numbers that lie well apart on a logarithmic axis of this highest by lowest value."""
    if span < 8:
        return MaxNLocator(4)  # a decade would have one tick or none
    return LogLocator(subs=(1, 2, 5) if span < 50 else (1, 3) if span < 500 else (1,))


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Running mean over about a twentieth of the curve, at most 50 points."""
    width = int(np.clip(len(values) // 20, 1, 50))
    padded = np.pad(values, (width - 1, 0), mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")
