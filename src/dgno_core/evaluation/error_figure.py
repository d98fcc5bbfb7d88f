"""Two restorations of one image compared, with legends in words (DGNO paper, Fig. 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.evaluation.figures import DPI, INK, QUIET, display_window, to_display
from dgno_core.metrics.edges import EdgeScore, band_psnr, edge_band, error_difference

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = 3.9  # inches
SHOWN = 99.5  # percent of the differences lie within the limits
COLOURS = ("#868e96", "#3b6fb6", "#e8590c")


def draw_comparison(
    sharp: ArrayLike, blurred: ArrayLike, first: ArrayLike, second: ArrayLike,
    names: tuple[str, str] = ("A", "B"),
) -> Figure:  # fmt: skip
    """Draw where the second restoration is closer to the sharp image than the first.

    Parameters
    ----------
    sharp, blurred, first, second
        ``(Y, X)`` or ``(Y, X, 3)``, in the same units.
    names
        Of the two restorations.

    Raises
    ------
    DGNOError
        If the shapes differ or the sharp image is constant.
    """
    from matplotlib.figure import Figure

    band = edge_band(sharp)
    height, width = band.shape
    tall = min(PANEL * height / width, 2 * PANEL)
    size = (3 * PANEL + 0.6, 2 * (tall + 1.0) + 0.6)
    figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
    window = display_window(sharp)
    pictures = {"blurred": blurred, names[0]: first, names[1]: second}
    scores = [band_psnr(sharp, image, band) for image in pictures.values()]
    axes = figure.subplots(2, 3).ravel()
    for one, (name, image), score in zip(axes, pictures.items(), scores, strict=False):
        _picture(one, image, window, name, f"PSNR {score.whole:.2f} dB")
    note = f"outlined: the edge band, {100 * scores[0].area:.0f} % of the pixels"
    _picture(axes[3], sharp, window, "known sharp", note)
    axes[3].contour(band, levels=[0.5], colors="#ffd43b", linewidths=0.5)
    _difference(axes[4], error_difference(sharp, first, second), names)
    _bars(axes[5], dict(zip(("blurred", *names), scores, strict=True)))
    return figure


def _picture(
    axes: Axes, image: ArrayLike, window: tuple[float, float], title: str, note: str
) -> None:
    axes.imshow(to_display(image, window), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="left", fontsize=11, weight="bold", color=INK)
    axes.set_xlabel(note, loc="left", fontsize=9, color=QUIET)


def _difference(axes: Axes, difference: NDArray[np.float64], names: tuple[str, str]) -> None:
    percent = 100 * difference
    high = float(np.percentile(np.abs(percent), SHOWN)) or 1.0
    drawn = axes.imshow(percent, cmap="RdBu_r", vmin=-high, vmax=high, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title("Difference of the errors", loc="left", fontsize=11, weight="bold", color=INK)
    figure: Any = axes.figure
    bar = figure.colorbar(
        drawn, ax=axes, location="bottom", extend="both", aspect=40, pad=0.02, shrink=0.9
    )
    bar.set_label(
        f"← blue: {names[0]} closer    red: {names[1]} closer →\n"
        "to the sharp image, by % of its range",
        fontsize=8.5,
        color=QUIET,
    )
    bar.ax.tick_params(labelsize=7, colors=QUIET)
    bar.outline.set_visible(False)


def _bars(axes: Axes, scores: Mapping[str, EdgeScore]) -> None:
    places = np.arange(3)
    width = 0.8 / len(scores)
    for index, (name, score) in enumerate(scores.items()):
        values = (score.band, score.rest, score.whole)
        bars = axes.bar(
            places + (index - 1) * width, values, width * 0.92, color=COLOURS[index], label=name
        )
        axes.bar_label(bars, fmt="%.1f", fontsize=7.5, color=QUIET)
    axes.set_xticks(places, ["edge band", "elsewhere", "whole"])
    axes.set_ylabel("PSNR (dB), higher is better", fontsize=9)
    axes.set_title("Fidelity by region", loc="left", fontsize=11, weight="bold", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    low = min(value for score in scores.values() for value in (score.band, score.rest))
    if np.isfinite(low):
        axes.set_ylim(bottom=max(0.0, 5 * np.floor((low - 5) / 5)))
    axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=1)
