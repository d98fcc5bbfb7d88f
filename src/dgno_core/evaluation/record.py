"""The evaluation as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dgno_core.evaluation.evaluated import ModelScores, as_record


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
        "models": [as_record(one) for one in scores],
    }
    return json.dumps(_finite(record), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
