"""What to do when memory is short: smaller tiles, then the CPU."""

from __future__ import annotations

from dgno_core.errors import DGNOError
from dgno_core.inference.config import SMALLEST_TILE, RestoreConfig
from dgno_core.inference.memory import available_bytes, bytes_per_pixel, fit_tile, halve, release
from dgno_core.inference.predictor import Predictor
from dgno_core.io.axes import PlaneLayout


def starting_tile(
    network: Predictor, layout: PlaneLayout, config: RestoreConfig
) -> tuple[int, list[str]]:
    """Return the tile to begin with, and a warning if it had to be lowered.

    Raises
    ------
    DGNOError
        If the tile that is asked for does not fit the model's grid.
    """
    card = network.card
    wanted = config.tile or card.tile
    least = 2 * card.multiple  # with less, windows on the grid could not overlap
    if wanted % card.multiple or wanted < least:
        raise DGNOError(
            f"The tile must be a multiple of {card.multiple} and at least {least} pixels for the "
            f"model {network.name}, not {wanted}."
        )
    share = available_bytes(network.device) * config.memory_share
    shape = (layout.height, layout.width)
    tile = fit_tile(wanted, shape, bytes_per_pixel(card), share, card.multiple)
    if tile == wanted:
        return tile, []
    return tile, [
        f"Memory is short ({share / 2**30:.1f} GB may be used): "
        f"the tile is {tile} pixels instead of {wanted}."
    ]


def smaller_attempt(
    network: Predictor, layout: PlaneLayout, config: RestoreConfig, tile: int
) -> tuple[int, list[str]]:
    """Return the tile to go on with after memory ran out, moving to the CPU if it must be.

    Raises
    ------
    DGNOError
        If memory ran out on the CPU with the smallest tile.
    """
    import torch

    release(network.device)
    smaller = halve(tile, (layout.height, layout.width), network.card.multiple)
    if smaller < tile:
        return smaller, [
            f"Memory ran out with tiles of {tile} pixels on {network.device}; "
            f"starting over with {smaller}."
        ]
    if network.device.type == "cpu":
        raise DGNOError(
            f"There is not enough memory for the model {network.name}, even with tiles of "
            f"{max(tile, SMALLEST_TILE)} pixels; close other programs or use a smaller model."
        )
    device = network.device
    network.move(torch.device("cpu"))
    release(device)
    tile, notes = starting_tile(network, layout, config)
    return tile, [f"Memory ran out on {device}; starting over on the CPU.", *notes]
