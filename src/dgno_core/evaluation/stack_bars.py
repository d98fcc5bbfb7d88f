"""What we ask of the weights on the real focal stack, and its scores as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dgno_core.evaluation.focal_stack import PlaneScore
from dgno_core.evaluation.promise import NOT_MEASURED, Promise

FAR = 3  # planes from focus, beyond which each must improve
NEAR_LOSS = 0.3  # dB that a plane next to focus may lose
FOCUS_PSNR = 36.0  # dB of the plane in focus against itself


def score_table(planes: Sequence[PlaneScore]) -> str:
    """Write the scores as a Markdown table."""
    lines = ["| plane | recorded, dB | restored, dB | gain, dB |", "| ---: | ---: | ---: | ---: |"]
    for plane in planes:
        before = "identical" if np.isinf(plane.before) else f"{plane.before:.2f}"
        depth = f"{plane.depth:+d}" if plane.depth else "0"
        gain = "-" if plane.gain is None else f"{plane.gain:+.2f}"
        lines.append(f"| {depth} | {before} | {plane.after:.2f} | {gain} |")
    return "\n".join(lines)


def stack_promises(planes: Sequence[PlaneScore], left_out: Sequence[str] = ()) -> list[Promise]:
    """Compare the scores of a stack with what this project asks of its weights.

    The plane in focus has an infinite PSNR to begin with, so what it loses is no number; like
    every sharp bright-field image, it must come back with at least `FOCUS_PSNR`. Where planes could
    not be registered (`left_out`), nothing that is asked of every plane can be kept.
    """
    far = [plane for plane in planes if abs(plane.depth) > FAR and plane.gain is not None]
    near = [plane for plane in planes if abs(plane.depth) == 1 and plane.gain is not None]
    focus = [plane for plane in planes if plane.depth == 0]
    texts = (
        f"real stack: every plane beyond ±{FAR} improves",
        f"real stack: planes -1 and +1 lose less than {NEAR_LOSS:g} dB",
        f"real stack: the plane in focus comes back with at least {FOCUS_PSNR:g} dB",
    )
    found = []
    for text, chosen, least in zip(texts, (far, near), (0.0, -NEAR_LOSS), strict=False):
        if not chosen:
            found.append(Promise(text, NOT_MEASURED, None))
            continue
        gain, depth = min((plane.gain or 0.0, plane.depth) for plane in chosen)
        measured = f"{gain:+.2f} dB at {depth:+d}, the least of {len(chosen)}"
        if left_out:
            measured += f"; not compared: {' '.join(left_out)}"
        found.append(Promise(text, measured, gain > least and not left_out))
    after = focus[0].after if focus else None
    measured = NOT_MEASURED if after is None else f"{after:.2f} dB"
    return [*found, Promise(texts[2], measured, None if after is None else after >= FOCUS_PSNR)]
