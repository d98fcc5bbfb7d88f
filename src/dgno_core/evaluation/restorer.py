"""What the protocol judges: anything that restores one image, and the packaged models as that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dgno_core.evaluation.seams import Borders


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
    """

    data: NDArray[Any]
    model: str = ""
    weights_sha256: str = ""
    tile: int = 0
    borders: Borders = ((), ())


class Restorer(Protocol):
    """Restores one image, ``(Y, X)`` grey or ``(Y, X, 3)`` colour."""

    def __call__(self, image: NDArray[Any], *, tile: int | None = None) -> Restoration:
        """Restore with tiles of side `tile`; None leaves the choice to the restorer."""
        ...


def packaged_restorer(
    model: str = "auto", device: str = "auto", model_folder: Path | None = None
) -> Restorer:
    """Restore with `dgno_core.inference`, the path of the command line and of napari.

    Parameters
    ----------
    model
        Name or file of the weights; ``"auto"`` takes the packaged grey or colour ones.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ...
    model_folder
        Where else to look for models by name.
    """

    def restorer(image: NDArray[Any], *, tile: int | None = None) -> Restoration:
        from dgno_core.inference import RestoreConfig, restore_events
        from dgno_core.inference.events import Restored
        from dgno_core.io import as_source
        from dgno_core.models import read_card

        axes = "YX" if image.ndim == 2 else "YXS"
        config = RestoreConfig(
            model=model, axes=axes, device=device, tile=tile, model_folder=model_folder
        )
        for event in restore_events(as_source(image, axes), config):
            if isinstance(event, Restored):
                record = event.provenance
                card = read_card(record.model if model == "auto" else model, folder=model_folder)
                return Restoration(
                    data=np.asarray(event.data),
                    model=record.model,
                    weights_sha256=record.weights_sha256 or "",
                    tile=record.tile,
                    borders=tile_borders(image.shape, record.tile, card.halo, card.multiple),
                )
        raise RuntimeError("the restoration ended without a result")

    return restorer


def tile_borders(shape: tuple[int, ...], tile: int, halo: int, multiple: int = 32) -> Borders:
    """Find where one tile hands over to the next.

    Parameters
    ----------
    shape
        Height and width of the image (a third entry, colour, is ignored).
    tile, halo, multiple
        As in `dgno_core.inference.tiles.plan_tiles`.

    Returns
    -------
    The rows and the columns where a tile begins to count, counts half, and counts fully.
    """
    from dgno_core.inference.tiles import plan_tiles

    height, width = shape[:2]
    tiles = plan_tiles((height, width), tile, halo, multiple).tiles
    return (
        _handovers([(one.rows.start, one.rows.weights) for one in tiles], height),
        _handovers([(one.columns.start, one.columns.weights) for one in tiles], width),
    )


def _handovers(spans: list[tuple[int, NDArray[np.float32]]], size: int) -> tuple[int, ...]:
    found: set[int] = set()
    for start, weights in spans:
        if start == 0:
            continue  # the first tile follows no other
        found |= {
            start + int(np.argmax(reached))
            for reached in (weights > 0, weights > 0.5, weights >= 1)
        }
    return tuple(sorted(position for position in found if 0 < position < size))
