"""All that was measured of one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dgno_core.evaluation.bars import fidelity_promises
from dgno_core.evaluation.focal_stack import PlaneScore
from dgno_core.evaluation.promise import Promise
from dgno_core.evaluation.protocol import ImageResult
from dgno_core.evaluation.stack_bars import stack_promises
from dgno_core.evaluation.tile_bars import tile_promises


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

    @property
    def promises(self) -> list[Promise]:
        """Compare with what we ask of the weights; only what such a model can be asked."""
        found = fidelity_promises(self.results) if self.results else []
        found += stack_promises(self.planes, self.left_out) if self.planes else []
        return found + (tile_promises(self.results) if self.results else [])

    def result(self, image: str) -> ImageResult | None:
        """Scores of an image by its name, if the model restored it."""
        return next((one for one in self.results if one.name == image), None)

    def plane(self, depth: int) -> PlaneScore | None:
        """Scores of a plane of the stack, if it was scored."""
        return next((one for one in self.planes if one.depth == depth), None)


def as_record(scores: ModelScores) -> dict[str, Any]:
    """Turn the scores of a model into what JSON can hold, but for numbers that are not finite."""
    from dataclasses import asdict

    from dgno_core.evaluation.summary import group_means, groups

    return {
        "model": scores.model,
        "weights_sha256": scores.weights_sha256,
        "promises": [asdict(promise) for promise in scores.promises],
        "groups": [asdict(group_means(*group)) for group in groups(scores.results).items()],
        "stack": [asdict(plane) | {"gain": plane.gain} for plane in scores.planes],
        "stack_left_out": list(scores.left_out),
        "failures": [asdict(failure) for failure in scores.failures],
        "images": [asdict(result) | {"gain": result.gain} for result in scores.results],
    }
