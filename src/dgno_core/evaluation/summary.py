"""From scores of single images to means, worst cases and the project's own promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from dgno_core.evaluation.protocol import METHODS, ImageResult

NUCLEI = "bbbc039"
NUCLEI_PSNR = 38.0  # dB, mean over the nuclei images
IDENTITY_PSNR = 40.0  # dB, each sharp nuclei image against itself
TILE_COST = 0.05  # dB, each image
SEAM_RATIO = 1.1  # each image


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
    tiled = [result for result in results if result.tile_cost is not None]
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
        _promise(
            f"tiles cost at most {TILE_COST} dB",
            tiled,
            lambda chosen: max(result.tile_cost or 0.0 for result in chosen),
            lambda value: value <= TILE_COST,
            "dB in the worst image",
        ),
        _promise(
            f"differences across tile borders at most {SEAM_RATIO} times those elsewhere, "
            "relative to the same pixels without tiles",
            [result for result in tiled if result.seam and result.seam_untiled],
            lambda chosen: max((r.seam or 0.0) / (r.seam_untiled or 1.0) for r in chosen),
            lambda value: value <= SEAM_RATIO,
            "times in the worst image",
        ),
    ]


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
