"""Whether a view lies inside the range that the model was made for.

What the recorded image tells by itself is `dgno_core.inference.range_check`, which every
restoration asks; here the map of the blur that was taken away is compared as well.

The card's `blur_px` counts the widths of the training: sigma of a Gaussian, but the whole radius
of a disk. The width map counts standard deviations along an axis: sigma, but half the radius.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgno_core.inference.checks import unfit_pixel_size
from dgno_core.inference.edges import sharpest_edges
from dgno_core.inference.noise import Noise
from dgno_core.inference.predictor import Predictor
from dgno_core.inference.range_check import seen_blur, too_blurred, too_noisy
from dgno_core.interpretation.trust.reblur import WIDEST, Reblurred
from dgno_core.models.card import ModelCard
from dgno_core.optics.psf import PsfKind

Floats = NDArray[np.float32]

SHARE = 0.02  # of the view that may be more blurred before it is worth a sentence
_BEYOND = 1.5  # how far the widths that are tried go on beyond the card's


def limit_of(card: ModelCard, kernel: PsfKind) -> float | None:
    """Return the largest standard deviation of a kernel seen in training, in pixels, if known."""
    if card.blur_px is None:
        return None
    return card.blur_px[1] / (2 if kernel == "disk" else 1)


def widest_for(card: ModelCard) -> float:
    """Return the largest standard deviation that is worth trying, in pixels."""
    limit = limit_of(card, "gauss")
    return WIDEST if limit is None else _BEYOND * max(limit, 1.0)


@dataclass(frozen=True)
class BlurCheck:
    """How blurred a view is, beside what the model has seen.

    Attributes
    ----------
    sharpest
        Width of its sharpest edges in pixels, nan where there are none.
    beyond
        ``(Y, X)``: where the blur is wider than the model has seen.
    warnings
        A sentence, or none.
    """

    sharpest: float
    beyond: NDArray[np.bool_]
    warnings: tuple[str, ...]


def check_blur(name: str, network: Predictor, observed: Floats, reblurred: Reblurred) -> BlurCheck:
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
    deviations = tuple(float(law.deviation(0.5)) for law in reblurred.noise)
    sharpest = sharpest_edges(observed, deviations)
    limit = limit_of(network.card, reblurred.kernel)
    if limit is None:
        return BlurCheck(sharpest, np.zeros(shape, np.bool_), ())
    # Sentences count as the card does.
    unit = 2 if reblurred.kernel == "disk" else 1
    counted = "pixels (radius of a disk)" if reblurred.kernel == "disk" else "pixels"
    if sharpest > limit:
        warning = too_blurred(name, network, unit * sharpest, unit * limit, counted=counted)
        return BlurCheck(sharpest, np.ones(shape, np.bool_), (warning,))
    beyond = (reblurred.width > limit) | (reblurred.width >= reblurred.widest)
    share = float(beyond.mean())
    if share <= SHARE:
        return BlurCheck(sharpest, beyond, ())
    warning = (
        f"{share:.0%} of the view of {name} is blurred by more than {unit * limit:.3g} "
        f"{counted}, but {seen_blur(network, unit * limit)}: do not trust the result there."
    )
    return BlurCheck(sharpest, beyond, (warning,))


def noise_warnings(name: str, network: Predictor, noise: tuple[Noise, ...]) -> Iterator[str]:
    """Say so if the image is noisier than what the model was trained on."""
    yield from too_noisy(name, network, max(float(law.deviation(0.5)) for law in noise))


def pixel_size_warnings(
    name: str, network: Predictor, pixel_size_um: float | None
) -> Iterator[str]:
    """Say so if the model was trained on pixels of another size."""
    warning = unfit_pixel_size(name, network, pixel_size_um)
    if warning:
        yield warning
