"""What is judged: anything that restores an image or a stack, and the packaged models as that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dgno_core.evaluation.seams import Borders
from dgno_core.io.axes import is_colour
from dgno_core.io.normalise import IntensityRange, RangeSampler, type_range

if TYPE_CHECKING:
    from dgno_core.models.card import ModelCard


@dataclass(frozen=True)
class Restoration:
    """A restored image and how it was made.

    Parameters
    ----------
    data
        Same shape and dtype as the input.
    model, weights_sha256
        Name and fingerprint of the weights.
    tile
        Side of the tiles in pixels.
    borders
        Rows and columns where tiles meet; empty for a single tile.
    ramp
        Pixels over which one tile hands over to the next, half of them on each side of a border.
    grid
        Sides of tiles are multiples of this many pixels, and at least twice it.
    """

    data: NDArray[Any]
    model: str = ""
    weights_sha256: str = ""
    tile: int = 0
    borders: Borders = ((), ())
    ramp: int = 0
    grid: int = 32


class ImageRestorer(Protocol):
    """Restores one image, ``(Y, X)`` grey or ``(Y, X, 3)`` colour."""

    def __call__(self, image: NDArray[Any], *, tile: int | None = None) -> Restoration:
        """Restore with tiles of side `tile`; None leaves the choice to the restorer."""
        ...


class StackRestorer(Protocol):
    """Restores the planes of one grey stack, in order, as one recording."""

    def __call__(self, planes: Sequence[NDArray[Any]]) -> Iterator[Restoration]:
        """Restore planes ``(Y, X)``, which may be of unequal size."""
        ...


def packaged_restorer(
    model: str = "auto", device: str = "auto", model_folder: Path | None = None
) -> ImageRestorer:
    """Restore with `dgno_core.inference`, the path of the command line and of napari.

    Each model is loaded once.

    Parameters
    ----------
    model
        Name or file of the weights; ``"auto"`` takes the packaged grey or colour ones.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ...
    model_folder
        Where else to look for models by name.
    """
    from dgno_core.inference import Restorer

    loaded = Restorer(model, device=device, model_folder=model_folder)

    def restore(image: NDArray[Any], *, tile: int | None = None) -> Restoration:
        from dgno_core.inference.config import MULTIPLE
        from dgno_core.inference.events import Restored

        axes = "YX" if image.ndim == 2 else "YXS"
        restorer = loaded.adjusted(loaded.config.changed(axes=axes, tile=tile))
        colour = is_colour(axes, image.shape, image.dtype)
        card = restorer.network(colour=colour).card
        for event in restorer.events(image):
            if isinstance(event, Restored):
                used = event.provenance.tile
                borders, ramp = tile_borders(image.shape, used, card.halo, card.multiple)
                return Restoration(
                    data=np.asarray(event.data),
                    model=card.name,
                    weights_sha256=card.weights_sha256,
                    tile=used,
                    borders=borders,
                    ramp=ramp,
                    # Tiles that are asked for must also be multiples of the common grid.
                    grid=lcm(MULTIPLE, card.multiple),
                )
        raise RuntimeError("the restoration ended without a result")

    return restore


def packaged_stack_restorer(
    model: str = "auto", device: str = "auto", model_folder: Path | None = None
) -> StackRestorer:
    """Restore stacks that need not be of one size, with one intensity range.

    Parameters as for `packaged_restorer`.
    """
    from dgno_core.inference import Restorer

    def restore(planes: Sequence[NDArray[Any]]) -> Iterator[Restoration]:
        restorer = Restorer(model, axes="YX", device=device, model_folder=model_folder)
        card = restorer.card
        limits = stack_range(planes, card)
        for plane in planes:
            # The whole plane as a region: the tiles are those of a restoration.
            data = restorer.region(plane, ranges=(limits,))
            yield Restoration(data, card.name, card.weights_sha256)

    return restore


def stack_range(planes: Sequence[NDArray[Any]], card: ModelCard) -> IntensityRange:
    """Intensities of all planes together that are 0 and 1 to the network."""
    if card.scaling == "type":
        return type_range(planes[0].dtype)
    sampler = RangeSampler(sum(plane.size for plane in planes), planes[0].shape[1])
    for plane in planes:
        sampler.add(plane)
    return sampler.range(card.percentiles)


def tile_borders(
    shape: tuple[int, ...], tile: int, halo: int, multiple: int = 32
) -> tuple[Borders, int]:
    """Find where one tile hands over to the next.

    Parameters
    ----------
    shape
        Height and width of the image (a third entry, colour, is ignored).
    tile, halo, multiple
        As in `dgno_core.inference.tiles.plan_tiles`.

    Returns
    -------
    The rows and the columns from which a tile counts more than the one before it, and over how
    many pixels it takes over.
    """
    from dgno_core.inference.tiles import plan_tiles

    height, width = shape[:2]
    tiles = plan_tiles((height, width), tile, halo, multiple).tiles
    rows, row_ramp = _handovers([(one.rows.start, one.rows.weights) for one in tiles], height)
    columns, column_ramp = _handovers(
        [(one.columns.start, one.columns.weights) for one in tiles], width
    )
    return (rows, columns), max(row_ramp, column_ramp)


def _handovers(
    spans: list[tuple[int, NDArray[np.float32]]], size: int
) -> tuple[tuple[int, ...], int]:
    found: set[int] = set()
    ramp = 0
    for start, weights in spans:
        if start == 0:
            continue  # the first tile follows no other
        first, half, full = (
            int(np.argmax(reached)) for reached in (weights > 0, weights > 0.5, weights >= 1)
        )
        found.add(start + half)
        ramp = max(ramp, full - first)
    return tuple(sorted(position for position in found if 0 < position < size)), ramp
