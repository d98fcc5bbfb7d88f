"""Whether an image lies inside of what the card of a model states, told from a few views of it.

No pixel is restored and none is changed: the widths of the sharpest edges and the noise are read
off the recorded image. A look costs about a hundredth of what a small model takes for the plane.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from dgno_core.inference.edges import sharpest_edges
from dgno_core.inference.gaps import fill_gaps
from dgno_core.inference.noise import estimate_noise

if TYPE_CHECKING:
    from dgno_core.inference.predictor import Predictor
    from dgno_core.inference.prepared import PreparedImage
    from dgno_core.io.normalise import IntensityRange
    from dgno_core.models.card import ModelCard

Floats = NDArray[np.float32]

SIDE = 512  # pixels: of a larger plane, the part with most contrast is looked at
PLANES = 8  # of a stack, spread evenly over it
_COARSE = 8  # pixels: contrast is looked for on every eighth one


@dataclass(frozen=True)
class RecordedView:
    """A part of an image as it was recorded, scaled as the network takes it.

    Attributes
    ----------
    pixels
        ``(C, Y, X)``, about 0 ... 1.
    step
        Distance of neighbouring values of `pixels` if they were rounded.
    place
        Which plane of the image it is, such as ``Z = 3``; empty if there is but one.
    """

    pixels: Floats
    step: float = 0.0
    place: str = ""

    @cached_property
    def noise(self) -> tuple[float, ...]:
        """Standard deviation of the noise of each channel, at half of the range."""
        return tuple(float(estimate_noise(c, self.step).deviation(0.5)) for c in self.pixels)

    @cached_property
    def sharpest(self) -> float:
        """Blur of the sharpest edges, in pixels (sigma of a Gaussian); nan where there are none."""
        return sharpest_edges(self.pixels, self.noise)


def range_warnings(name: str, network: Predictor, views: Sequence[RecordedView]) -> Iterator[str]:
    """Say in a sentence each how the views are outside of what the card states.

    Parameters
    ----------
    name
        Of the image.
    network
        Whose card says what it has seen.
    views
        Of the image; where only some are too blurred, these are named.
    """
    # Slopes do not tell a disk from a Gaussian of the same spread, so what could be either is
    # compared as a Gaussian, whose limit is the wider one: a warning is then right for both.
    limit = network.card.blur_px[1] if network.card.blur_px else np.inf
    beyond = [view for view in views if view.sharpest > limit]
    if beyond:
        places = "" if len(beyond) == len(views) else "; ".join(view.place for view in beyond)
        widest = max(view.sharpest for view in beyond)
        yield too_blurred(name, network, widest, limit, places=places)
    noise = [deviation for view in views for deviation in view.noise]
    if noise:
        yield from too_noisy(name, network, max(noise))


def too_blurred(
    name: str,
    network: Predictor,
    width: float,
    limit: float,
    *,
    counted: str = "pixels",
    places: str = "",
) -> str:
    """Say that even the sharpest edges of an image are more blurred than the model has seen.

    Parameters
    ----------
    width, limit
        How blurred they are at least, and may be, counted as the card does. Of a far defocus,
        slopes tell only a lower bound: the estimate is the smaller of two, and ends at 20 pixels.
    counted
        The unit of `width`.
    places
        Which planes are meant, if not all.
    """
    subject, where = (f"{name} at {places}", " there") if places else (name, "")
    return (
        f"Even the sharpest edges of {subject} are blurred by at least {width:.1f} {counted}, and "
        f"{seen_blur(network, limit)}: do not trust the result{where}."
    )


def seen_blur(network: Predictor, limit: float) -> str:
    """Say which blur a model has seen."""
    return f"the model {network.name} was trained on blur of up to {limit:.3g} pixels"


def too_noisy(name: str, network: Predictor, found: float) -> Iterator[str]:
    """Say so if the image is noisier than what the model was trained on.

    Parameters
    ----------
    found
        Standard deviation of the noise at half of the range, of the range.
    """
    limit = trained_noise(network.card)
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


def recorded_view(
    samples: NDArray[np.generic], limits: Sequence[IntensityRange], place: str = ""
) -> RecordedView | None:
    """Take the part of a plane to look at; None where the plane is constant.

    Parameters
    ----------
    samples
        ``(colours, Y, X)``, as they were recorded.
    limits
        The intensities that become 0 and 1: of each colour, or of all of them.
    place
        See `RecordedView`.
    """
    groups = np.array_split(fill_gaps(samples).samples, len(limits))
    kept = [(part, each) for part, each in zip(groups, limits, strict=True) if not each.is_constant]
    if not kept:
        return None
    # Only what is looked at is scaled and kept: a plane of floats may be large.
    coarse = np.concatenate([each.apply(part[:, ::_COARSE, ::_COARSE]) for part, each in kept])
    window = busiest(coarse, samples.shape[1:], SIDE)
    scaled = np.concatenate([each.apply(part[:, *window]) for part, each in kept])
    steps = [1 / (each.high - each.low) for _, each in kept] if samples.dtype.kind in "iu" else [0]
    return RecordedView(scaled, max(steps), place)


def busiest(coarse: Floats, shape: tuple[int, ...], side: int) -> tuple[slice, slice]:
    """Return the window of at most `side` pixels in which a plane varies most.

    Parameters
    ----------
    coarse
        Every eighth pixel of it along Y and X, ``(C, y, x)``.
    shape
        Its rows and columns.
    side
        Of the window, in pixels of the plane.
    """
    height, width = shape
    if height <= side and width <= side:
        return slice(None), slice(None)
    size = [min(side // _COARSE, length) for length in coarse.shape[1:]]
    mean = uniform_filter(coarse, (0, *size))
    varies = (uniform_filter(coarse**2, (0, *size)) - mean**2).sum(axis=0)
    # Only where the whole window lies inside.
    inside = tuple(
        slice(n // 2, length - n + n // 2 + 1) for n, length in zip(size, varies.shape, strict=True)
    )
    first = np.unravel_index(varies[inside].argmax(), varies[inside].shape)
    starts = (
        min(int(at) * _COARSE, max(length - side, 0))
        for at, length in zip(first, (height, width), strict=True)
    )
    row, column = starts
    return slice(row, row + side), slice(column, column + side)


def image_warnings(job: PreparedImage, ranges: tuple[IntensityRange, ...] | None) -> Iterator[str]:
    """Say how the image of a job is outside of what the card states; reads a few of its planes.

    Parameters
    ----------
    ranges
        Those of the stack; None if each plane has its own.
    """
    card = job.network.card
    if card.blur_px is None and trained_noise(card) is None:
        return  # nothing to compare with, so nothing to read
    positions = list(job.layout.positions())
    chosen = np.unique(np.linspace(0, len(positions) - 1, min(len(positions), PLANES)).round())
    views = []
    for position in (positions[int(index)] for index in chosen):
        samples = job.read(position)
        limits = job.plane_ranges(position, samples, ranges)
        place = ", ".join(
            f"{letter} = {at}"
            for letter, at, size in zip(
                job.layout.outer, position, job.layout.outer_shape, strict=True
            )
            if size > 1
        )
        views.append(recorded_view(samples[: job.layout.colours], limits, place))
    yield from range_warnings(job.source.name, job.network, [view for view in views if view])


def plane_warnings(
    job: PreparedImage, samples: NDArray[np.generic], limits: Sequence[IntensityRange]
) -> Iterator[str]:
    """Say how a part of a plane of a job, ``(samples, Y, X)``, is outside of the card."""
    view = recorded_view(samples[: job.layout.colours], limits)
    yield from range_warnings(job.source.name, job.network, [] if view is None else [view])
