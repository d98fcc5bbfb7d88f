"""What the protocol judges: anything that restores one image, and the packaged models as that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dgno_core.evaluation.seams import Borders

if TYPE_CHECKING:
    from dgno_core.models.network import Network


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


class Restorer(Protocol):
    """Restores one image, ``(Y, X)`` grey or ``(Y, X, 3)`` colour."""

    def __call__(self, image: NDArray[Any], *, tile: int | None = None) -> Restoration:
        """Restore with tiles of side `tile`; None leaves the choice to the restorer."""
        ...


def packaged_restorer(
    model: str = "auto", device: str = "auto", model_folder: Path | None = None
) -> Restorer:
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

    @cache
    def loaded(colour: bool) -> Network:
        from dgno_core.models import default_weights, load_model

        if model == "auto":
            return load_model(default_weights(colour=colour), device)
        return load_model(model, device, folder=model_folder)

    def restorer(image: NDArray[Any], *, tile: int | None = None) -> Restoration:
        from dgno_core.inference import RestoreConfig, restore_events
        from dgno_core.inference.config import MULTIPLE
        from dgno_core.inference.events import Restored
        from dgno_core.io import as_source
        from dgno_core.io.axes import is_colour
        from dgno_core.models.device import resolve_device

        axes = "YX" if image.ndim == 2 else "YXS"
        # The device by its name, so that a model which had to leave it for one image comes back.
        config = RestoreConfig(
            model=model, axes=axes, device=str(resolve_device(device)), tile=tile
        )
        network = loaded(is_colour(axes, image.shape, image.dtype))
        for event in restore_events(as_source(image, axes), config, model=network):
            if isinstance(event, Restored):
                record, card = event.provenance, network.card
                assert card is not None
                borders, ramp = tile_borders(image.shape, record.tile, card.halo, card.multiple)
                return Restoration(
                    data=np.asarray(event.data),
                    model=record.model,
                    weights_sha256=record.weights_sha256 or "",
                    tile=record.tile,
                    borders=borders,
                    ramp=ramp,
                    # Tiles that are asked for must also be multiples of the common grid.
                    grid=lcm(MULTIPLE, card.multiple),
                )
        raise RuntimeError("the restoration ended without a result")

    return restorer


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
