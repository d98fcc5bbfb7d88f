"""The two figures of docs/detection.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dgno_core.detection.picture import draw_outlines
from dgno_core.detection.status import STATUS_COLOURS, STATUS_VALUES
from dgno_core.evaluation.figures import save_picture
from dgno_core.metrics.matching import match

if TYPE_CHECKING:
    from detection import Field

# Okabe and Ito's colours: told apart with any colour vision.
STYLES = {"blurred": ("#d55e00", "s", "--"), "sharp": ("#000000", "o", "-")}
OTHERS = (("#0072b2", "^", "-"), ("#009e73", "v", "-."), ("#cc79a7", "D", ":"))
SIDE = 200  # px of the part that is shown
IOU = 0.7
RIGHT, WRONG, MISSED = "matched", "lost", "gained"  # their colours are used for these


def draw_curves(table: dict[str, Any], path: Path) -> None:
    """Draw AP against IoU, with 95 % of the draws of fields as bands."""
    figure = Figure(figsize=(7, 3.9), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    others = iter(OTHERS)
    for name, row in table["versions"].items():
        colour, marker, line = STYLES.get(name) or next(others)
        low, high = np.transpose(row["ap_interval"])
        axes.fill_between(table["iou"], low, high, color=colour, alpha=0.12, linewidth=0)
        axes.plot(
            table["iou"], row["ap"], line, color=colour, marker=marker, markersize=5, label=name
        )
    axes.set_xlabel("overlap (IoU) from which on a nucleus counts as found")
    axes.set_ylabel("AP: tp / (tp + fp + fn)")
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    figure.savefig(path, metadata={"Software": None})


def draw_field(fields: Sequence[Field], model: str, path: Path) -> None:
    """Show the part of all fields in which restoring changed most, for better or worse."""
    field, top, left = _busiest(fields, model)
    part = (slice(top, top + SIDE), slice(left, left + SIDE))
    names = list(field.found)
    figure = Figure(figsize=(3.2 * len(names), 3.9), dpi=110, facecolor="white")
    window = np.percentile(field.images["sharp"][part], (0.5, 99.7))
    for index, name in enumerate(names):
        axes = figure.add_axes(
            ((index + 0.01) / len(names), 0.1, 0.98 / len(names), 0.98 * 3.2 / 3.9)
        )
        axes.imshow(
            field.images[name], cmap="gray", vmin=window[0], vmax=window[1] * 1.15,
            interpolation="nearest",
        )  # fmt: skip
        found = field.found[name]
        agreed = match(field.truth, found, IOU)
        status = np.zeros(int(found.max()) + 1, np.uint8)
        status[agreed.pairs[:, 1]] = STATUS_VALUES[RIGHT]
        status[agreed.gained] = STATUS_VALUES[WRONG]
        missed = np.where(np.isin(field.truth, agreed.lost), field.truth, 0)
        draw_outlines(axes, np.where(missed, STATUS_VALUES[MISSED], 0), missed)
        draw_outlines(axes, status[found], found)
        axes.set_xlim(left - 0.5, left + SIDE - 0.5)
        axes.set_ylim(top + SIDE - 0.5, top - 0.5)
        axes.set_axis_off()
        axes.set_title(
            f"{name}: {len(agreed.pairs)} of {len(np.unique(field.truth)) - 1} right in this field",
            fontsize=9,
            pad=4,
        )
    handles = [
        Line2D(
            [], [], color=STATUS_COLOURS[RIGHT], label=f"found, agrees with the truth (IoU ≥ {IOU})"
        ),
        Line2D([], [], color=STATUS_COLOURS[WRONG], label="found, does not agree"),
        Line2D([], [], color=STATUS_COLOURS[MISSED], label="true outline, not found so"),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=3, fontsize=9, frameon=False)
    save_picture(figure, path)


def _busiest(fields: Sequence[Field], model: str) -> tuple[Field, int, int]:
    """Find the square in which most true nuclei are found in one of two versions only."""
    best: tuple[int, Field, int, int] | None = None
    for field in fields:
        differ = set(match(field.truth, field.found["blurred"], IOU).lost.tolist()) ^ set(
            match(field.truth, field.found[model], IOU).lost.tolist()
        )
        if not differ:
            continue
        middles = np.array([np.argwhere(field.truth == label).mean(axis=0) for label in differ])
        for y, x in middles:
            top = int(np.clip(y - SIDE / 2, 0, field.truth.shape[0] - SIDE))
            left = int(np.clip(x - SIDE / 2, 0, field.truth.shape[1] - SIDE))
            inside = ((middles - (top, left)) >= 0) & ((middles - (top, left)) < SIDE)
            score = int(inside.all(axis=1).sum())
            if best is None or score > best[0]:
                best = score, field, top, left
    return (fields[0], 0, 0) if best is None else best[1:]
