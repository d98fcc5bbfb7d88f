"""The analysis of trust: one generator of events for the shell, the script and the window."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.predictor import Predictor
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from dgno_core.interpretation.trust.describe import (
    blur_width_map,
    difference_map,
    expected_error_map,
    residual_map,
    spread_map,
    summarise,
)
from dgno_core.interpretation.trust.examine import Examined, examine
from dgno_core.interpretation.trust.expected import (
    Recipe,
    calibration_warnings,
    expected_error,
    load_recipe,
)
from dgno_core.interpretation.trust.range_check import (
    BlurCheck,
    check_blur,
    noise_warnings,
    pixel_size_warnings,
)
from dgno_core.interpretation.trust.result import TrustFound
from dgno_core.interpretation.trust.verdict import judge
from dgno_core.interpretation.view import View

#: Pixels around a part that are restored with it: a network guesses where its view is cut.
SURROUNDINGS = 32

TrustEvent: TypeAlias = AnalysisProgressed | AnalysisWarned | TrustFound


def trust_events(
    view: View,
    second: Predictor | None = None,
    *,
    pixel_size_um: float | None = None,
    config: RestoreConfig = DEFAULTS,
) -> Generator[TrustEvent, None, None]:
    """Find out where the restored image can be trusted, reporting on the way.

    The view is restored eight times, flipped and turned, and once more by a `second` network.
    Closing the generator cancels; nothing is left behind.

    Parameters
    ----------
    view
        What to look at, and the network that restores it. Of a part of an image, read
        `SURROUNDINGS` too: what they show is left out of the result.
    second
        Another network for the same number of channels, to compare with.
    pixel_size_um
        Size of a pixel of the image in µm, where it is known.
    config
        Its `tile` and `memory_share` say how the view is restored.

    Yields
    ------
    AnalysisProgressed, AnalysisWarned
        For each tile of each restoration and for each warning.
    TrustFound
        Last of all.

    Raises
    ------
    DGNOError
        If the second network does not fit, or there is not enough memory.
    """
    network = view.network
    if second is not None and second.card.channels != network.card.channels:
        raise DGNOError(
            f"The models {network.name} and {second.name} are not for the same kind of image: one "
            "is for grey, the other for colour."
        )
    step = 0.0
    if view.dtype.kind in "iu":
        step = 1 / (view.limits.high - view.limits.low)
    everything = yield from examine(network, view.pixels, config, second, step)
    examined = everything.inside(view.inner)
    observed = view.pixels[(..., *view.inner)]
    blur = check_blur(view.name, network, observed, examined.reblurred)
    recipe = load_recipe(network.card.channels)
    others = (
        *noise_warnings(view.name, network, examined.reblurred.noise),
        *pixel_size_warnings(view.name, network, pixel_size_um),
        *calibration_warnings(network.card, recipe),
    )
    yield from map(AnalysisWarned, (*blur.warnings, *others))
    yield _found(view, second, examined, recipe, blur, others)


def _found(
    view: View,
    second: Predictor | None,
    examined: Examined,
    recipe: Recipe,
    blur: BlurCheck,
    others: tuple[str, ...],
) -> TrustFound:
    """Put what was measured into maps and words."""
    percent = np.float32(100)
    restored, reblurred = examined.agreement.restored, examined.reblurred
    error = percent * expected_error(examined.parts, recipe, blur.beyond)
    residual = _worst_colour(reblurred.residual)
    widest = max(float(reblurred.width.max()), *(view.network.card.blur_px or (8.0,)))
    difference = None
    if second is not None and examined.second is not None:
        apart = percent * np.abs(examined.second - restored).mean(axis=0)
        difference = difference_map(apart, second.name, view.inner_origin)
    return TrustFound(
        restored=restored,
        expected_error=expected_error_map(error, view.inner_origin),
        residual=residual_map(residual, view.inner_origin),
        blur_width=blur_width_map(reblurred.width, widest, view.inner_origin),
        spread=spread_map(percent * examined.agreement.spread.mean(axis=0), view.inner_origin),
        difference=difference,
        noise=100 * max(float(law.deviation(0.5)) for law in reblurred.noise),
        verdict=judge(error, blur, bool(others)),
        summary=summarise(error, residual),
        warnings=(*blur.warnings, *others),
    )


def _worst_colour(residual: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep at each pixel the colour with the largest residual, with its sign."""
    worst = np.abs(residual).argmax(axis=0)
    return np.take_along_axis(residual, worst[None], axis=0)[0]
