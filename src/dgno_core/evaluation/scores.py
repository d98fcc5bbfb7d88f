"""All that was measured of the models: means, worst cases, and everything as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from dgno_core.evaluation.focal_stack import PlaneScore
from dgno_core.evaluation.protocol import METHODS, ImageResult


@dataclass(frozen=True)
class FailureSpot:
    """Where a model is most wrong in one image.

    Parameters
    ----------
    image
        Name of the image.
    box
        Top, left, height and width of the spot in pixels.
    error
        Mean absolute error in the spot, as a share of the sharp image's range.
    before, after
        PSNR of the blurred and of the restored spot in dB, for the range of the sharp image.
    """

    image: str
    box: tuple[int, int, int, int]
    error: float
    before: float
    after: float


@dataclass(frozen=True)
class ModelScores:
    """Scores of one model on its images and on the real stack.

    Parameters
    ----------
    model, weights_sha256
        What restored.
    results
        One per image.
    planes
        Of the real stack; empty where that was not restored.
    left_out
        One sentence for each plane that could not be registered.
    failures
        The spots where the model is most wrong, worst first.
    """

    model: str
    weights_sha256: str
    results: tuple[ImageResult, ...] = ()
    planes: tuple[PlaneScore, ...] = ()
    left_out: tuple[str, ...] = ()
    failures: tuple[FailureSpot, ...] = ()

    def result(self, image: str) -> ImageResult | None:
        """Scores of an image by its name, if the model restored it."""
        return next((one for one in self.results if one.name == image), None)

    def plane(self, depth: int) -> PlaneScore | None:
        """Scores of a plane of the stack, if it was scored."""
        return next((one for one in self.planes if one.depth == depth), None)


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


def report_json(
    scores: Sequence[ModelScores], pictures: Mapping[str, str], command: str, version: str
) -> str:
    """Write all numbers as JSON; an infinite PSNR (identical images) becomes null.

    Parameters
    ----------
    scores
        One per model.
    pictures
        Files, relative to that of the numbers; see `report_page`.
    command
        The line that makes the page again.
    version
        Version of this package.
    """
    record = {
        "command": command,
        "version": version,
        "convention": "both images scaled by the sharp image's minimum and maximum; data range 1",
        "ssim_window": "uniform 7 x 7",
        "pictures": pictures,
        "models": [_record(one) for one in scores],
    }
    return json.dumps(_finite(record), indent=2, allow_nan=False) + "\n"


def _record(scores: ModelScores) -> dict[str, Any]:
    """Turn the scores of a model into what JSON can hold, but for numbers that are not finite."""
    return {
        "model": scores.model,
        "weights_sha256": scores.weights_sha256,
        "groups": [asdict(group_means(*group)) for group in groups(scores.results).items()],
        "stack": [asdict(plane) | {"gain": plane.gain} for plane in scores.planes],
        "stack_left_out": list(scores.left_out),
        "failures": [asdict(failure) for failure in scores.failures],
        "images": [asdict(result) | {"gain": result.gain} for result in scores.results],
    }


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
