"""What we ask of tiles: no cost and no seams."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from dgno_core.evaluation.promise import Promise
from dgno_core.evaluation.protocol import ImageResult
from dgno_core.evaluation.tile_cost import TileCost

TILE_COST = 0.05  # dB, each image
SEAM_RATIO = 1.1  # each image
COST_TEXT = f"tiles cost at most {TILE_COST} dB against untiled restoration"
SEAM_TEXT = (
    "the mean absolute difference between neighbouring pixels across tile borders is at most "
    f"{SEAM_RATIO} times that elsewhere"
)


def tile_promises(results: Sequence[ImageResult]) -> list[Promise]:
    """Judge each size of tile by itself: all images take the model's own, a few a smaller one."""
    by_tile: dict[int, list[tuple[str, TileCost]]] = {}
    for result in results:
        for cost in result.tile_costs:
            by_tile.setdefault(cost.tile, []).append((result.name, cost))
    if not by_tile:
        return [
            Promise(text, "not measured: no such image", None) for text in (COST_TEXT, SEAM_TEXT)
        ]
    found: list[Promise] = []
    for tile, costs in sorted(by_tile.items(), reverse=True):
        where = f"tile {tile}, n = {len(costs)}"
        name, worst_cost = max(costs, key=lambda pair: pair[1].psnr)
        found += [
            Promise(
                f"{COST_TEXT} ({where})",
                f"{worst_cost.psnr:+.3f} dB in the worst image ({name})",
                worst_cost.psnr <= TILE_COST,
            ),
            Promise(
                f"{SEAM_TEXT} ({where})",
                _seam_measured(costs),
                all(cost.seam <= SEAM_RATIO for _, cost in costs),
            ),
            Promise(
                f"the same as a mean over the images, and tiles raise it no more ({where})",
                f"{fmean(cost.seam for _, cost in costs):.3f} times; raised at most "
                f"{max(cost.raised for _, cost in costs):.3f}-fold",
                _seam_kept([cost for _, cost in costs]),
            ),
        ]
    return found


def _seam_kept(costs: Sequence[TileCost]) -> bool:
    """Judge the mean over the images, and in each image what the tiles add.

    In a single image the ratio also tells whether something with edges happens to lie under a
    border of tiles; that part stands in the untiled result as well, and says nothing of seams.
    """
    typical = fmean(cost.seam for cost in costs) <= SEAM_RATIO
    return typical and all(cost.raised <= SEAM_RATIO for cost in costs)


def _seam_measured(costs: Sequence[tuple[str, TileCost]]) -> str:
    """Tell the worst ratio, and what part of it is the picture's own."""
    name, most = max(costs, key=lambda pair: pair[1].seam)
    text = (
        f"{most.seam:.3f} times in the worst image ({name}; the same pixels untiled: "
        f"{most.seam_untiled:.3f})"
    )
    own = [
        f"{name} ({cost.seam_untiled:.3f})"
        for name, cost in costs
        if cost.seam_untiled > SEAM_RATIO
    ]
    if own:
        text += f"; without any tiles the picture itself exceeds it there in {', '.join(own)}"
    return text
