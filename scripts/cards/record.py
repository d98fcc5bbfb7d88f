"""Scores of models, read back from ``evaluation.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dgno_core.evaluation.focal_stack import PlaneScore
from dgno_core.evaluation.protocol import ImageResult
from dgno_core.evaluation.scores import FailureSpot, ModelScores
from dgno_core.evaluation.tile_cost import TileCost
from dgno_core.metrics.fidelity import Score


def scores_from(record: Mapping[str, Any]) -> ModelScores:
    """Scores of one model, from its entry in the record."""
    return ModelScores(
        record["model"],
        record["weights_sha256"],
        tuple(map(_image, record["images"])),
        tuple(
            PlaneScore(plane["depth"], _number(plane["before"]), _number(plane["after"]))
            for plane in record["stack"]
        ),
        tuple(record["stack_left_out"]),
        tuple(
            FailureSpot(
                spot["image"],
                tuple(spot["box"]),
                spot["error"],
                _number(spot["before"]),
                _number(spot["after"]),
            )
            for spot in record["failures"]
        ),
    )


def _image(record: Mapping[str, Any]) -> ImageResult:
    parts = {name: value for name, value in record.items() if name != "gain"}
    return ImageResult(
        **parts
        | {
            "scores": {method: _score(one) for method, one in record["scores"].items()},
            "identity": _score(record["identity"]),
            "tile_costs": tuple(TileCost(**cost) for cost in record["tile_costs"]),
        }
    )


def _score(record: Mapping[str, Any]) -> Score:
    return Score(_number(record["psnr"]), record["ssim"])


def _number(value: float | None) -> float:
    """A PSNR of the record, where null stands for infinity."""
    return math.inf if value is None else value
