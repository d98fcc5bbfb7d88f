"""All measurements of one view, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, fields, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.config import RestoreConfig
from dgno_core.inference.memory import (
    available_bytes,
    bytes_per_pixel,
    fit_tile,
    halve,
    release,
)
from dgno_core.inference.predictor import Predictor, TileTooLargeError
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from dgno_core.interpretation.trust.agreement import (
    Agreement,
    count_tiles,
    plan_for,
    restore_all_ways,
)
from dgno_core.interpretation.trust.parts import Parts, measure_parts
from dgno_core.interpretation.trust.range_check import widest_for
from dgno_core.interpretation.trust.reblur import Reblurred, reblur

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Examined:
    """What was measured of a view; lengths in pixels, intensities in units of its range."""

    agreement: Agreement
    reblurred: Reblurred
    parts: Parts
    second: Floats | None

    def inside(self, inner: tuple[slice, slice]) -> Examined:
        """Return what was measured of some rows and columns only."""

        def cut(image: Floats) -> Floats:
            return image[(..., *inner)]

        agreement, reblurred, parts = self.agreement, self.reblurred, self.parts
        return Examined(
            Agreement(cut(agreement.restored), cut(agreement.spread)),
            replace(
                reblurred,
                width=cut(reblurred.width),
                image=cut(reblurred.image),
                residual=cut(reblurred.residual),
            ),
            Parts(*(cut(getattr(parts, each.name)) for each in fields(Parts))),
            None if self.second is None else cut(self.second),
        )


def examine(
    network: Predictor,
    pixels: Floats,
    config: RestoreConfig,
    second: Predictor | None = None,
    step: float = 0.0,
) -> Generator[AnalysisProgressed | AnalysisWarned, None, Examined]:
    """Restore a view in all ways and measure what the results tell.

    Parameters
    ----------
    network, second
        The network that is judged, and another one to compare with.
    pixels
        ``(C, Y, X)``, scaled as the networks take it.
    config
        Its `tile` and `memory_share`.
    step
        Distance of neighbouring values of `pixels` if they were rounded.

    Raises
    ------
    DGNOError
        If memory runs out with the smallest tiles.
    """
    networks = (network, second) if second is not None else (network,)
    modes = [(each.model, each.model.training) for each in networks]
    for model, _ in modes:
        model.eval()
    try:
        tile = starting_tile(network, pixels, config)
        while True:
            try:
                agreement, other = yield from _restore(network, second, pixels, tile)
                break
            except TileTooLargeError:
                pass  # handled outside, where the traceback no longer keeps the tensors alive
            release(network.device)
            smaller = halve(tile, pixels.shape[1:], network.card.multiple)
            if smaller >= tile:
                raise DGNOError(
                    f"There is not enough memory for the model {network.name}, even with tiles of "
                    f"{tile} pixels; close other programs, choose the CPU or use a smaller model."
                )
            tile = smaller
            yield AnalysisWarned(f"Memory ran out; starting over with tiles of {tile} pixels.")
    finally:
        for model, was_training in modes:
            model.train(was_training)
    reblurred = reblur(pixels, agreement.restored, step, widest_for(network.card))
    return Examined(agreement, reblurred, measure_parts(pixels, agreement, reblurred), other)


def starting_tile(network: Predictor, pixels: Floats, config: RestoreConfig) -> int:
    """Return the largest tile that fits the memory."""
    card = network.card
    wanted = config.tile or card.tile
    if wanted % card.multiple or wanted < 2 * card.multiple:
        raise DGNOError(
            f"The tile must be a multiple of {card.multiple} and at least {2 * card.multiple} "
            f"pixels for the model {network.name}, not {wanted}."
        )
    share = available_bytes(network.device) * config.memory_share
    shape = (pixels.shape[1], pixels.shape[2])
    return fit_tile(wanted, shape, bytes_per_pixel(card), share, card.multiple)


def _restore(
    network: Predictor, second: Predictor | None, pixels: Floats, tile: int
) -> Generator[AnalysisProgressed, None, tuple[Agreement, Floats | None]]:
    """Restore with both networks, counting tiles."""
    # The second network may have a coarser grid.
    other = 0 if second is None else _tile_for(second, tile)
    total = count_tiles(network, pixels, tile)
    if second is not None:
        total += len(plan_for(second, pixels, other).tiles)
    progress = (AnalysisProgressed(done, total) for done in count(1))
    agreement = yield from restore_all_ways(network, pixels, tile, progress)
    if second is None:
        return agreement, None
    plan = plan_for(second, pixels, other)
    return agreement, (yield from second.restore_plane(pixels, plan, progress))


def _tile_for(network: Predictor, tile: int) -> int:
    multiple = network.card.multiple
    return max(tile // multiple, 2) * multiple
