"""Whether an image lies inside the range that the model was made for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_gradient_magnitude

from dgno_core.inference.misgivings import unfit_pixel_size
from dgno_core.inference.network import Network
from dgno_core.interpretation.trust.bounds import limit_of
from dgno_core.interpretation.trust.noise import Noise
from dgno_core.interpretation.trust.reblur import Reblurred
from dgno_core.models.card import ModelCard

Floats = NDArray[np.float32]

SHARE = 0.02  # of the view that may be more blurred before it is worth a sentence
_SCALES = (2.0, 4.0)  # px: sigmas at which slopes are compared with those at twice the scale
_EDGES = 0.02  # of the pixels: the steepest, which are taken for edges
_CLEAR = 6.0  # standard deviations by which the slope of an edge is above noise
_FEWEST = 20  # pixels
_WIDEST = 20.0  # px: from here on slopes hardly tell widths apart


@dataclass(frozen=True)
class BlurCheck:
    """How blurred a view is, beside what the model has seen.

    Attributes
    ----------
    sharpest
        Width of its sharpest edges in pixels, nan where there are none.
    beyond
        ``(Y, X)``: where the blur is wider than the model has seen.
    doubts
        A sentence, or none.
    """

    sharpest: float
    beyond: NDArray[np.bool_]
    doubts: tuple[str, ...]


def check_blur(name: str, network: Network, observed: Floats, reblurred: Reblurred) -> BlurCheck:
    """Compare the blur of a view with the card's `blur_px`.

    Two looks: the width map, which knows only what the restoration took away, and the sharpest
    edges of the recorded image, which need no restoration. If even those are too wide, all of the
    view is.

    Parameters
    ----------
    name
        Of the image.
    network
        Whose card says which blur it has seen.
    observed
        ``(C, Y, X)``, the recorded view.
    reblurred
        Of its restoration.
    """
    shape = observed.shape[1:]
    deviation = [float(law.deviation(0.5)) for law in reblurred.noise]
    found = [edge_width(c, sd) for c, sd in zip(observed, deviation, strict=True)]
    sharpest = min((width for width in found if np.isfinite(width)), default=float("nan"))
    limit = limit_of(network.card, reblurred.kernel)
    if limit is None:
        return BlurCheck(sharpest, np.zeros(shape, np.bool_), ())
    # Sentences count as the card does.
    unit = 2 if reblurred.kernel == "disk" else 1
    counted = "pixels (radius of a disk)" if reblurred.kernel == "disk" else "pixels"
    seen = f"the model {network.name} was trained on blur of up to {unit * limit:.3g} pixels"
    if sharpest > limit:
        doubt = (
            f"Even the sharpest edges of {name} are blurred by about {unit * sharpest:.1f} "
            f"{counted}, and {seen}: do not trust the result."
        )
        return BlurCheck(sharpest, np.ones(shape, np.bool_), (doubt,))
    beyond = (reblurred.width > limit) | (reblurred.width >= reblurred.widest)
    share = float(beyond.mean())
    if share <= SHARE:
        return BlurCheck(sharpest, beyond, ())
    doubt = (
        f"{share:.0%} of the view of {name} is blurred by more than {unit * limit:.3g} "
        f"{counted}, but {seen}: do not trust the result there."
    )
    return BlurCheck(sharpest, beyond, (doubt,))


def edge_width(channel: Floats, deviation: float) -> float:
    """Estimate the blur of the sharpest edges of an image.

    A straight step blurred by w has, at a further blur of s, a slope in proportion to
    1 / sqrt(w^2 + s^2); the ratio of the slopes at two scales gives w (after Zhuo & Sim 2011).
    Structure that is soft by itself looks blurred too.

    Parameters
    ----------
    channel
        ``(Y, X)``.
    deviation
        Standard deviation of its noise.

    Returns
    -------
    Gaussian sigma in pixels, at most 20; nan if no edge stands out from the noise.
    """
    widths = []
    for scale in _SCALES:
        fine, coarse = (
            gaussian_gradient_magnitude(channel, sigma, mode="reflect")
            for sigma in (scale, 2 * scale)
        )
        clear = _CLEAR * deviation / (sqrt(8 * np.pi) * scale**2)
        edges = fine >= max(float(np.quantile(fine, 1 - _EDGES)), clear)
        if edges.sum() < _FEWEST:
            continue
        ratio = float(np.median(fine[edges] / np.maximum(coarse[edges], 1e-12))) ** 2
        variance = (4 - ratio) * scale**2 / max(ratio - 1, 1e-6)
        widths.append(min(sqrt(max(variance, 0)), _WIDEST))
    return min(widths, default=float("nan"))


def noise_doubts(name: str, network: Network, noise: tuple[Noise, ...]) -> Iterator[str]:
    """Say so if the image is noisier than what the model was trained on."""
    limit = trained_noise(network.card)
    found = max(float(law.deviation(0.5)) for law in noise)
    if limit is not None and found > limit:
        yield (
            f"The noise of {name} is about {found:.0%} of its range, and the model {network.name} "
            f"was trained on at most {limit:.0%}: what looks like fine structure may be noise."
        )


def trained_noise(card: ModelCard) -> float | None:
    """Return the strongest noise that a model has seen, of the range, at half of it.

    From the recipe in the card; None if that does not tell. Training adds the noise first and then
    multiplies by the gain: what ends at 0.5 was drawn at 0.5 / gain. The small offset that comes
    last is left aside.
    """
    try:
        degrade = json.loads(card.recipe)["data"]["degrade"]
        photons, read = float(degrade["photons"][0]), float(degrade["read_noise"])
        gain = float(degrade["gain"][1])
    except (ValueError, LookupError, TypeError):
        return None
    return gain * sqrt(0.5 / gain / photons + read**2)


def pixel_size_doubts(name: str, network: Network, pixel_size_um: float | None) -> Iterator[str]:
    """Say so if the model was trained on pixels of another size."""
    doubt = unfit_pixel_size(name, network, pixel_size_um)
    if doubt:
        yield doubt
