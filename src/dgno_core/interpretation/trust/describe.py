"""The maps in words: titles, legends, and the sentence that sums them up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgno_core.interpretation.trust.parts import UNREMARKABLE
from dgno_core.interpretation.trust.result import TrustMap
from dgno_core.interpretation.trust.verdict import NOTICEABLE, share

Floats = NDArray[np.float32]

# % of the range: where the colours end, the same for every image, so that one colour always means
# one error. Images in the range of their model stay below, those beyond it reach it.
ERROR_END, SPREAD_END = 10.0, 5.0


def expected_error_map(percent: Floats, origin: tuple[int, int]) -> TrustMap:
    """Describe the expected error, given in % of the range."""
    return TrustMap(
        "expected_error",
        "Expected error",
        percent,
        "% of the image's range",
        "How far the restored intensity may be from the true one. The colours mean the same for "
        "every image: up to 1 % is hardly seen, from 5 % on fine structure may be wrong.",
        (0.0, ERROR_END),
        "magma",
        _at(origin),
        words=("trustworthy", "or more: a guess"),
    )


def residual_map(deviations: Floats, origin: tuple[int, int]) -> TrustMap:
    """Describe what no blur explains, in standard deviations of the noise."""
    return TrustMap(
        "residual",
        "Unexplained by blur",
        deviations,
        "standard deviations of the noise",
        "Recorded minus re-blurred: red, the recorded image is brighter than the restored one "
        "allows; blue, darker, as where structure was invented. Between -3 and 3 it is noise.",
        (-10.0, 10.0),
        "coolwarm",
        _at(origin),
        words=("invented?", "missing?"),
    )


def blur_width_map(pixels: Floats, limit: float, origin: tuple[int, int]) -> TrustMap:
    """Describe the width of the blur in pixels."""
    return TrustMap(
        "blur_width",
        "Blur that was taken away",
        pixels,
        "pixels (sigma of a Gaussian; half the radius of a disk)",
        "How blurred the image was: bright is more. A lower bound where the restored image still "
        "is blurred.",
        (0.0, limit),
        "viridis",
        _at(origin),
        words=("sharp", "strongly blurred"),
    )


def spread_map(percent: Floats, origin: tuple[int, int]) -> TrustMap:
    """Describe the spread over flips and rotations, in % of the range."""
    return TrustMap(
        "spread",
        "Disagreement with itself",
        percent,
        "% of the image's range",
        "Standard deviation of eight results, of the image flipped and turned: bright, the network "
        "guesses.",
        (0.0, SPREAD_END),
        "magma",
        _at(origin),
        words=("sure", "or more: guessing"),
    )


def difference_map(percent: Floats, name: str, origin: tuple[int, int]) -> TrustMap:
    """Describe the difference from a second network, in % of the range."""
    return TrustMap(
        "difference",
        f"Difference from {name}",
        percent,
        "% of the image's range",
        f"How far the result of {name} is from this one: bright, the two disagree.",
        (0.0, ERROR_END),
        "magma",
        _at(origin),
        words=("they agree", "or more: they differ"),
    )


def summarise(error: Floats, residual: Floats) -> str:
    """Say in one or two sentences what the maps show, after the verdict.

    Parameters
    ----------
    error
        Expected error in %.
    residual
        In standard deviations of the noise.
    """
    middle, worst = float(np.median(error)), float(np.quantile(error, 0.99))
    text = (
        f"The expected error is about {_percent(middle)} of the image's range, and up to "
        f"{_percent(worst)} in the worst hundredth of the view."
    )
    noticeable = float((error > NOTICEABLE).mean())
    if noticeable > 0:
        text += f" It is above {NOTICEABLE:g} % in {share(noticeable)} of it."
    unexplained = float((np.abs(residual) > 2 * UNREMARKABLE).mean())
    if unexplained > 0.005:
        text += f" In {share(unexplained)} no blur explains the recorded image."
    return text


def _percent(value: float) -> str:
    return f"{value:.1f} %" if value < 10 else f"{value:.0f} %"


def _at(origin: tuple[int, int]) -> tuple[float, float]:
    return float(origin[0]), float(origin[1])
