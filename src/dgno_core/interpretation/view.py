"""The part of an image that is looked into, scaled as the network sees it when it restores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.predictor import Predictor
from dgno_core.inference.prepared import Source
from dgno_core.inference.region import plane_position
from dgno_core.inference.restorer import WHOLE, Restorer
from dgno_core.io.normalise import IntensityRange
from dgno_core.io.source import SMALLEST

LARGEST_SIDE = 1024  # px: what is kept for a map grows with the area


@dataclass(frozen=True)
class View:
    """A part of one plane of an image, and the network that looks at it.

    Attributes
    ----------
    pixels
        ``(C, Y, X)``, scaled so that the range of the stack is 0 ... 1.
    limits
        The intensities that are 0 and 1.
    origin
        Row and column of the image at which the view starts.
    network
        The network, on its device.
    name
        What errors and records call the image.
    dtype
        Of the image.
    inner
        The rows and columns of `pixels` that were asked for; what lies around them is there for
        the network to see, so that it need not guess at the border of the part.
    """

    pixels: NDArray[np.float32]
    limits: IntensityRange
    origin: tuple[int, int]
    network: Predictor
    name: str
    dtype: np.dtype[Any]
    inner: tuple[slice, slice] = (slice(None), slice(None))

    @property
    def inner_origin(self) -> tuple[int, int]:
        """Row and column of the image at which the part that was asked for starts."""
        rows, columns = self.inner
        return self.origin[0] + (rows.start or 0), self.origin[1] + (columns.start or 0)


def read_view(
    source: Source,
    restorer: Restorer | None = None,
    plane_index: Sequence[int] = (),
    yx_slices: tuple[slice, slice] = WHOLE,
    *,
    channel: int = 0,
    ranges: tuple[IntensityRange, ...] | None = None,
    surroundings: int = 0,
) -> View:
    """Read a part of a plane as a restorer would give it to the network.

    Parameters
    ----------
    source, plane_index
        As for `Restorer.region`.
    restorer
        The model, and how it would restore; by default the packaged one.
    yx_slices
        The part; its start is moved up and left to the grid of the network, so that elements
        lie where they lie in the whole image.
    channel
        Which colour of a colour image a grey model looks at.
    ranges
        What `Restorer.ranges` gave, to save reading the stack again.
    surroundings
        At least so many pixels are read around the part, where the image has them.

    Returns
    -------
    View

    Raises
    ------
    DGNOError
        If the image, plane, part or model is at fault, the part is larger than 1024 pixels, or
        it is constant.
    """
    restorer = restorer or Restorer()
    image = restorer.prepare(source)
    position = plane_position(image, plane_index)
    if ranges is None:
        ranges = restorer.ranges(image.source)
    samples = image.read(position)
    limits = image.plane_ranges(position, samples, ranges)
    if not 0 <= channel < len(image.groups):
        raise DGNOError(
            f"{image.source.name} has {len(image.groups)} channels to look at, no {channel}."
        )
    rows, columns = (
        _on_grid(part, size, image.network.card.multiple, image.source.name)
        for part, size in zip(yx_slices, (image.layout.height, image.layout.width), strict=True)
    )
    if limits[channel].is_constant:
        raise DGNOError(f"{image.source.name} is constant: there is nothing to look into.")
    margin = -(-surroundings // image.network.card.multiple) * image.network.card.multiple
    # Still on the grid of the network; a slice may end beyond the image.
    around = [slice(max(each.start - margin, 0), each.stop + margin) for each in (rows, columns)]
    pixels = limits[channel].apply(samples[image.groups[channel]][:, around[0], around[1]])
    return View(
        pixels,
        limits[channel],
        (around[0].start, around[1].start),
        image.network,
        image.source.name,
        image.source.dtype,
        (_within(rows, around[0]), _within(columns, around[1])),
    )


def _within(part: slice, around: slice) -> slice:
    """Where a part lies in what was read around it."""
    return slice(part.start - around.start, part.stop - around.start)


def _on_grid(part: slice, size: int, multiple: int, name: str) -> slice:
    """Rows or columns of a view, from a multiple of the grid on."""
    start, stop, step = part.indices(size)
    if step != 1 or stop <= start:
        raise DGNOError(f"The region {part.start}:{part.stop} is empty or outside of {name}.")
    start = min(start, max(size - SMALLEST, 0)) // multiple * multiple
    stop = min(max(stop, start + SMALLEST), size)
    if stop - start > LARGEST_SIDE + multiple:
        raise DGNOError(
            f"The part of {name} to look into is {stop - start} pixels long; choose one of at "
            f"most {LARGEST_SIDE}."
        )
    return slice(start, stop)
