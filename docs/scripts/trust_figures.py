"""The figures of docs/trust.md; used by docs/scripts/trust.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

Floats = NDArray[np.float32]

INK, QUIET, ACCENT = "#1b1f24", "#57606a", "#e8590c"
COLOURS = ("#1f77b4", "#c2255c", "#2b8a3e", "#7048e8")
AIM = 0.6


def draw_ranks(results: list[dict[str, Any]], labels: Mapping[str, str], path: Path) -> None:
    """Draw one dot for each image and map, and how well the level fits."""
    groups = list(dict.fromkeys(result["group"] for result in results))
    figure = Figure(figsize=(11.5, 4.6), dpi=110, facecolor="white", layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    for row, key in enumerate(labels):
        for shift, group in enumerate(groups):
            values = [r["smoothed"].get(key) for r in results if r["group"] == group]
            known = [value for value in values if value is not None]
            height = np.full(len(known), row + 0.2 * (shift - (len(groups) - 1) / 2))
            colour = COLOURS[shift]
            left.scatter(known, height, s=16, color=colour, alpha=0.6, linewidths=0)
            if known:
                left.scatter(np.mean(known), height[0], s=70, marker="|", color=colour)
    left.axvline(AIM, color=ACCENT, linewidth=1, linestyle="--")
    left.text(AIM, -0.75, " aim", color=ACCENT, fontsize=8, va="bottom")
    left.axvline(0, color=QUIET, linewidth=0.6)
    left.set_yticks(range(len(labels)), [label.strip("*") for label in labels.values()])
    left.set_ylim(len(labels) - 0.5, -0.8)
    left.set_xlabel("rank correlation with the true error (Spearman); dots: images, bars: means")
    for shift, group in enumerate(groups):
        points = np.array([r["quantiles"] for r in results if r["group"] == group])
        right.plot(*points.mean(axis=0).T, "o-", color=COLOURS[shift], ms=4, lw=1, label=group)
    ends = np.array([0.1, 10])
    right.plot(ends, ends, color=QUIET, linewidth=0.8, linestyle="--")
    right.set(xscale="log", yscale="log", xlabel="expected error, % (tenths of the pixels)")
    right.set_ylabel("true error, % (dashed: equal)")
    right.legend(frameon=False, fontsize=9)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK, labelsize=9)
    figure.savefig(path)


def draw_examples(
    examples: Mapping[str, tuple[Any, Any, dict[str, Floats], Floats]], path: Path
) -> None:
    """Draw for the first image of each group what was true and what was expected."""
    titles = ("recorded", "restored", "true error", "expected error", "unexplained", "blur width")
    figure = Figure(figsize=(14, 2.6 * len(examples) + 0.6), dpi=90, layout="constrained")
    grid = figure.subplots(len(examples), len(titles), squeeze=False)
    for row, (group, (view, found, maps, error)) in zip(grid, examples.items(), strict=True):
        end = float(np.quantile(error, 0.998)) * 100
        _show(row[0], view.pixels, "recorded")
        _show(row[1], found.agreement.restored, "restored")
        row[0].set_ylabel(group, fontsize=10, color=INK)
        residual = found.reblurred.residual
        worst = np.take_along_axis(residual, np.abs(residual).argmax(0)[None], 0)[0]
        shown = (
            (100 * error, "true error, %", "magma", (0, end)),
            (100 * maps["expected"], "expected error, %", "magma", (0, end)),
            (worst, "unexplained by blur, noise SDs", "coolwarm", (-10, 10)),
            (maps["width"], "blur taken away, px", "viridis", (0, float(maps["width"].max()))),
        )
        for axes, (values, title, colours, (low, high)) in zip(row[2:], shown, strict=True):
            drawn = axes.imshow(values, cmap=colours, vmin=low, vmax=high)
            axes.set_title(title, fontsize=9, color=INK)
            bar = figure.colorbar(drawn, ax=axes, fraction=0.035, pad=0.02, extend="max")
            bar.ax.tick_params(labelsize=7)
        for axes in row:
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
    save_jpeg(figure, path, 90)


def save_jpeg(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure with photographs in it, at a third of the bytes of a PNG."""
    figure.savefig(path, dpi=dpi, pil_kwargs={"quality": 88, "optimize": True})


def _show(axes: Axes, image: Floats, title: str) -> None:
    pixels = np.clip(image, 0, 1)
    pixels = pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1)
    axes.set_title(title, fontsize=9, color=INK)
