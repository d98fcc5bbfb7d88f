"""The verdict on a restored image in one sentence that can stand alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dgno_core.interpretation.trust.range_check import BlurCheck

#: % of the range: an error that changes what one sees in an image.
NOTICEABLE = 5.0
#: Shares of the view that may have it in a good result, and in one that is of use at all.
_A_LITTLE, _A_LOT = 0.01, 0.25


@dataclass(frozen=True)
class Verdict:
    """Whether to trust a restored image.

    Attributes
    ----------
    level
        ``good``: nothing speaks against it; ``care``: parts of it are doubtful, or something is
        unusual; ``bad``: not to be used.
    sentence
        The same in one sentence.
    """

    level: Literal["good", "care", "bad"]
    sentence: str


def judge(error: NDArray[np.float32], blur: BlurCheck, other_warnings: bool) -> Verdict:
    """Put what was found into one sentence, the worst first.

    Parameters
    ----------
    error
        ``(Y, X)``: expected error, in % of the image's range.
    blur
        Whether the blur is inside what the model has seen.
    other_warnings
        Whether there is any other note, such as one about noise.
    """
    beyond, wrong = float(blur.beyond.mean()), float((error > NOTICEABLE).mean())
    if blur.warnings and blur.beyond.all():
        return Verdict(
            "bad",
            "Do not trust this result: the image is blurred more than the model was made for.",
        )
    if blur.warnings:
        return Verdict(
            "bad",
            f"Do not trust {share(beyond)} of this result: it was blurred more there than the "
            "model was made for.",
        )
    if wrong > _A_LOT:
        return Verdict(
            "bad",
            f"Do not trust this result: {share(wrong)} of it may be noticeably wrong.",
        )
    if other_warnings:
        return Verdict("care", "Take this result with care: a note says what is unusual about it.")
    if wrong > _A_LITTLE:
        return Verdict(
            "care",
            f"Most of this result can be trusted, but not {share(wrong)} of it, bright in the map.",
        )
    return Verdict("good", "Nothing speaks against this result.")


def share(part: float) -> str:
    """Write a share of the view in percent."""
    return f"{part:.1%}".replace("%", " %") if part < 0.1 else f"{part:.0%}".replace("%", " %")
