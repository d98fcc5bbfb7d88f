"""From scores of single images to means and worst cases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from dgno_core.evaluation.protocol import METHODS, ImageResult


@dataclass(frozen=True)
class GroupMeans:
    """Means over the images of one group: (PSNR, SSIM) by method, and of the sharp input."""

    group: str
    count: int
    means: dict[str, tuple[float, float]]
    identity: float


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
