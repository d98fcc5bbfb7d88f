"""From scores of single images to means, worst cases and the project's own promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from dgno_core.evaluation.protocol import METHODS, ImageResult
from dgno_core.evaluation.tile_cost import TileCost

NUCLEI = "bbbc039"
NUCLEI_PSNR = 38.0  # dB, mean over the nuclei images
IDENTITY_PSNR = 40.0  # dB, each sharp nuclei image against itself
TILE_COST = 0.05  # dB, each image
SEAM_RATIO = 1.1  # each image
COST_TEXT = f"tiles cost at most {TILE_COST} dB against untiled restoration"
SEAM_TEXT = (
    "the mean absolute difference between neighbouring pixels across tile borders is at most "
    f"{SEAM_RATIO} times that elsewhere"
)


@dataclass(frozen=True)
class GroupMeans:
    """Means over the images of one group: (PSNR, SSIM) by method, and of the sharp input."""

    group: str
    count: int
    means: dict[str, tuple[float, float]]
    identity: float


@dataclass(frozen=True)
class Promise:
    """One requirement and what was measured; `kept` is None where nothing could be measured."""

    text: str
    measured: str
    kept: bool | None


def groups(results: Iterable[ImageResult]) -> dict[str, list[ImageResult]]:
    """Sort results by group, in the order in which the groups first appear."""
    sorted_results: dict[str, list[ImageResult]] = {}
    for result in results:
        sorted_results.setdefault(result.group, []).append(result)
    return sorted_results


def group_means(group: str, results: Sequence[ImageResult]) -> GroupMeans:
    """Average the scores of one group's images (mean of dB, not dB of the mean)."""
    means = {
        method: (
            fmean(result.scores[method].psnr for result in results),
            fmean(result.scores[method].ssim for result in results),
        )
        for method in METHODS
    }
    return GroupMeans(group, len(results), means, fmean(r.identity.psnr for r in results))


def worst(results: Sequence[ImageResult]) -> ImageResult:
    """Return the image that gained least over its blurred input."""
    return min(results, key=lambda result: result.gain)


def promises(results: Sequence[ImageResult]) -> list[Promise]:
    """Compare the results with what this project asks of its weights."""
    nuclei = groups(results).get(NUCLEI, [])
    least = worst(results)
    return [
        _promise(
            f"mean PSNR of the nuclei images at least {NUCLEI_PSNR:.1f} dB",
            nuclei,
            lambda chosen: fmean(result.scores["ours"].psnr for result in chosen),
            lambda value: value >= NUCLEI_PSNR,
            "dB",
        ),
        Promise(
            "no image worse than its blurred input",
            f"smallest gain {least.gain:+.2f} dB ({least.name})",
            least.gain >= 0,
        ),
        _promise(
            f"sharp nuclei images come back with at least {IDENTITY_PSNR:.0f} dB",
            nuclei,
            lambda chosen: min(result.identity.psnr for result in chosen),
            lambda value: value >= IDENTITY_PSNR,
            "dB in the worst image",
        ),
        *_tile_promises(results),
    ]


def _tile_promises(results: Sequence[ImageResult]) -> list[Promise]:
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


def _promise(
    text: str,
    chosen: Sequence[ImageResult],
    measure: Callable[[Sequence[ImageResult]], float],
    holds: Callable[[float], bool],
    unit: str,
) -> Promise:
    if not chosen:
        return Promise(text, "not measured: no such image", None)
    value = measure(chosen)
    return Promise(text, f"{value:.3f} {unit}", holds(value))
