"""Effective ranks of the operators of one or several models as bars (DGNO paper, Fig. 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dgno_core.errors import DGNOError
from dgno_core.evaluation.figures import DPI, INK, QUIET
from dgno_core.evaluation.rank import OperatorRank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#3b6fb6", "#e8590c", "#2b8a3e", "#862e9c")


@dataclass(frozen=True)
class RankSummary:
    """Effective rank of one operator over several images: mean and standard deviation."""

    scale: str
    iteration: int
    channels: int
    mean: float
    deviation: float


def summarise_ranks(images: Sequence[Sequence[OperatorRank]]) -> tuple[RankSummary, ...]:
    """Average over images what `operator_ranks` gave for each.

    The deviation is that of the sample (n - 1), and 0 for one image.

    Raises
    ------
    DGNOError
        If there is no image.
    """
    if not images:
        raise DGNOError("There is no image whose ranks could be averaged.")
    summaries = []
    for same in zip(*images, strict=True):
        ranks = [one.rank for one in same]
        deviation = float(np.std(ranks, ddof=1)) if len(ranks) > 1 else 0.0
        one = same[0]
        mean = float(np.mean(ranks))
        summaries.append(RankSummary(one.scale, one.iteration, one.channels, mean, deviation))
    return tuple(summaries)


def draw_ranks(models: Mapping[str, Sequence[RankSummary]], images: int) -> Figure:
    """Draw rank and utilisation of every operator, side by side for several models.

    Parameters
    ----------
    models
        By name, what `summarise_ranks` gave.
    images
        Over how many images was averaged.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), dpi=DPI, facecolor="white", layout="constrained")
    left, right = figure.subplots(1, 2)
    _bars(left, models, as_share=False)
    _bars(right, models, as_share=True)
    left.set_title("Effective rank: directions in use", loc="left", fontsize=11, color=INK)
    left.set_ylabel("effective rank (number of directions)")
    right.set_title("Utilisation: share of the channels in use", loc="left", fontsize=11, color=INK)
    right.set_ylabel("effective rank / channels (%)")
    right.set_ylim(0, 100)
    left.legend(frameon=False, fontsize=9)
    counted = "1 image" if images == 1 else f"{images} images: mean, lines ± 1 standard deviation"
    figure.supxlabel(
        f"operator: size of its image, and iteration T   ({counted})", fontsize=9, color=QUIET
    )
    return figure


def _bars(axes: Axes, models: Mapping[str, Sequence[RankSummary]], *, as_share: bool) -> None:
    # Models may have other operators than each other.
    order = ("quarter", "half", "full")
    found = {(one.scale, one.iteration) for ranks in models.values() for one in ranks}
    places = sorted(found, key=lambda place: (order.index(place[0]), place[1]))
    width = 0.8 / len(models)
    for index, (name, ranks) in enumerate(models.items()):
        units = [100 / one.channels if as_share else 1.0 for one in ranks]
        shift = (index - (len(models) - 1) / 2) * width
        axes.bar(
            [places.index((one.scale, one.iteration)) + shift for one in ranks],
            [one.mean * unit for one, unit in zip(ranks, units, strict=True)],
            width * 0.92,
            yerr=[one.deviation * unit for one, unit in zip(ranks, units, strict=True)],
            color=COLOURS[index % len(COLOURS)],
            ecolor=INK,
            capsize=3,
            label=name,
        )
    labels = [f"{scale}\nT = {iteration}" for scale, iteration in places]
    axes.set_xticks(range(len(places)), labels, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)
