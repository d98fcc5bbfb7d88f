"""The maps in words: titles, legends, and the sentence that sums them up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgno_core.interpretation.trust.parts import UNREMARKABLE
from dgno_core.interpretation.trust.result import TrustMap

Floats = NDArray[np.float32]

_ROUND = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0)


def expected_error_map(percent: Floats, origin: tuple[int, int]) -> TrustMap:
    """Describe the expected error, given in % of the range."""
    return TrustMap(
        "expected_error",
        "Expected error",
        percent,
        "% of the image's range",
        "How far the restored intensity may be from the true one: dark is trustworthy, bright is "
        "not.",
        (0.0, _end(percent)),
        "magma",
        _at(origin),
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
        (0.0, _end(percent)),
        "magma",
        _at(origin),
    )


def difference_map(percent: Floats, name: str, origin: tuple[int, int]) -> TrustMap:
    """Describe the difference from a second network, in % of the range."""
    return TrustMap(
        "difference",
        f"Difference from {name}",
        percent,
        "% of the image's range",
        f"How far the result of {name} is from this one: bright, the two disagree.",
        (0.0, _end(percent)),
        "magma",
        _at(origin),
    )


def sum_up(error: Floats, residual: Floats, is_in_range: bool) -> str:
    """Say in one or two sentences how far the result can be trusted.

    Parameters
    ----------
    error
        Expected error in %.
    residual
        In standard deviations of the noise.
    is_in_range
        Whether the blur is inside what the model has seen.
    """
    middle, worst = float(np.median(error)), float(np.quantile(error, 0.99))
    text = (
        f"The expected error is about {_percent(middle)} of the image's range, and up to "
        f"{_percent(worst)} in the worst hundredth of the view."
    )
    share = float((np.abs(residual) > 2 * UNREMARKABLE).mean())
    if share > 0.005:
        text += f" In {_percent(100 * share)} of it no blur explains the recorded image."
    if not is_in_range:
        text += " The image is outside of what the model was made for: do not trust the result."
    return text


def _percent(value: float) -> str:
    return f"{value:.1f} %" if value < 10 else f"{value:.0f} %"


def _end(percent: Floats) -> float:
    """Return a round end of the colour map, below which nearly all values lie."""
    most = float(np.quantile(percent, 0.998))
    return next((end for end in _ROUND if end >= most), 100.0)


def _at(origin: tuple[int, int]) -> tuple[float, float]:
    return float(origin[0]), float(origin[1])
