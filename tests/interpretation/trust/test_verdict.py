"""The verdict in one sentence."""

from __future__ import annotations

import numpy as np
import pytest

from dgno_core.interpretation.trust.range_check import BlurCheck
from dgno_core.interpretation.trust.verdict import NOTICEABLE, judge


def errors(share: float) -> np.ndarray:
    """Expected errors of 100 pixels, a share of which is noticeable."""
    values = np.full((10, 10), NOTICEABLE / 5, np.float32)
    values.ravel()[: round(100 * share)] = 2 * NOTICEABLE
    return values


def blur(share: float) -> BlurCheck:
    beyond = np.zeros((10, 10), bool)
    beyond.ravel()[: round(100 * share)] = True
    return BlurCheck(9.0, beyond, ("It is blurred more.",) if share else ())


@pytest.mark.parametrize(
    ("wrong", "beyond", "others", "level", "words"),
    [
        (0.0, 0.0, False, "good", "Nothing speaks against this result"),
        (0.0, 1.0, False, "bad", "Do not trust this result"),
        (0.0, 1.0, True, "bad", "Do not trust this result"),
        (0.0, 0.3, False, "bad", "Do not trust 30 % of this result"),
        (0.5, 0.0, False, "bad", "Do not trust this result: 50 %"),
        (0.0, 0.0, True, "care", "with care"),
        (0.05, 0.0, False, "care", "5.0 %"),
    ],
)
def test_the_worst_comes_first(
    wrong: float, beyond: float, others: bool, level: str, words: str
) -> None:
    verdict = judge(errors(wrong), blur(beyond), others)
    assert verdict.level == level
    assert words in verdict.sentence
    assert verdict.sentence.count(". ") == 0
