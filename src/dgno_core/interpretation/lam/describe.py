"""Everything about an attribution map but its pixels, for the record beside its file."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dgno_core.interpretation.lam.result import Attribution

SHARES = (0.5, 0.9, 0.99)


def describe_lam(found: Attribution) -> dict[str, Any]:
    """Return the numbers and what they mean, ready for JSON; what does not exist is None."""
    window, (height, width) = found.window, found.absolute.shape
    return {
        "window": {"y": window.y, "x": window.x, "height": window.height, "width": window.width},
        "map": {
            "title": "Local attribution map",
            "legend": "how much each input pixel contributed to the edges inside the box, "
            "divided by the largest magnitude: positive made them stronger, negative weaker",
            "unit": "-1 ... 1",
            "scale": list(found.scale),
            "translate": list(found.translate),
            "height": height,
            "width": width,
        },
        "effort": found.effort,
        "steps": found.steps,
        "path": found.settings.model_dump(mode="json"),
        "diffusion_index": _number(found.diffusion_index),
        "gini": _number(found.gini),
        "reach_px": {f"{share:.0%}": _number(found.reach(share)) for share in SHARES},
        "objective": {
            "meaning": "sum of the gradient magnitude of the restored image in the box, "
            "intensities scaled to 0 ... 1",
            "most_blurred": found.objective_blurred,
            "image": float(found.objective[-1]),
            "along_the_path": found.objective.tolist(),
        },
        "sum": float(found.attribution.sum(dtype=np.float64)),
        "largest": float(np.abs(found.attribution.sum(axis=0)).max()),
        "completeness_error": _number(found.completeness_error),
        "nan_zeroed": found.nan_zeroed,
        "seconds": round(found.seconds, 2),
    }


def file_words(models: Sequence[str]) -> list[str]:
    """Return a different word for each model, fit for a file name.

    Parameters
    ----------
    models
        Names or paths.
    """
    names = [Path(model).name.removesuffix(".safetensors") for model in models]
    words = [re.sub(r"[^\w.-]+", "-", name) for name in names]
    twice = {word for word in words if words.count(word) > 1}
    return [f"{word}-{i}" if word in twice else word for i, word in enumerate(words, 1)]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
