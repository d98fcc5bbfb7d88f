"""What tiles cost: the tiled result against the same image restored in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.evaluation.restorer import ImageRestorer, Restoration
from dgno_core.evaluation.seams import mean_offset, seam_ratio
from dgno_core.metrics.fidelity import score_pair


@dataclass(frozen=True)
class TileCost:
    """A tiled result compared with the untiled one.

    Parameters
    ----------
    tile
        Side of the tiles in pixels, at most.
    psnr
        PSNR of the untiled result minus that of the tiled one, in dB.
    seam, seam_untiled
        `seam_ratio` of the tiled result, and of the untiled one at the same pixels.
    offset
        `mean_offset`, as a share of the sharp image's range.
    """

    tile: int
    psnr: float
    seam: float
    seam_untiled: float
    offset: float

    @property
    def raised(self) -> float:
        """What the tiles do to the ratio: `seam` over `seam_untiled`."""
        if self.seam_untiled:
            return self.seam / self.seam_untiled
        return inf if self.seam else 1.0


def costs_of_tiles(
    sharp: NDArray[Any],
    blurred: NDArray[Any],
    ours: Restoration,
    restorer: ImageRestorer,
    also_tile: int | None = None,
) -> tuple[TileCost, ...]:
    """Compare `ours`, and a result with tiles of side `also_tile`, with the image in one piece.

    Where `also_tile` is not on the grid of `ours`, the next smaller tile that is takes its place,
    or the smallest.

    Returns
    -------
    One for each size of tile of which the image takes several; none where memory is too short
    for the image in one piece.
    """
    if also_tile is not None:
        also_tile = max(also_tile // ours.grid, 2) * ours.grid
    small = also_tile is not None and also_tile < max(blurred.shape[:2]) and also_tile != ours.tile
    if not small and not any(ours.borders):
        return ()
    whole = restorer(blurred, tile=_one_tile(blurred, ours.grid)) if any(ours.borders) else ours
    if any(whole.borders):
        return ()  # memory was too short for one piece: nothing to compare with
    tiled = [ours, restorer(blurred, tile=also_tile)] if small else [ours]
    return tuple(_compare(sharp, whole, one) for one in tiled if any(one.borders))


def _compare(sharp: NDArray[Any], whole: Restoration, tiled: Restoration) -> TileCost:
    cost = score_pair(sharp, whole.data).psnr - score_pair(sharp, tiled.data).psnr
    seam, untiled = (seam_ratio(one.data, tiled.borders) for one in (tiled, whole))
    assert seam is not None
    assert untiled is not None  # there are borders
    return TileCost(
        tile=tiled.tile,
        # Two exact results have infinite PSNR; their difference is 0, not NaN.
        psnr=0.0 if np.isnan(cost) else cost,
        seam=seam,
        seam_untiled=untiled,
        offset=mean_offset(tiled.data, whole.data, tiled.borders, tiled.ramp)
        / float(np.ptp(sharp)),
    )


def _one_tile(image: NDArray[Any], grid: int) -> int:
    """Side of a tile on the grid that covers the whole image."""
    longest: int = max(image.shape[:2])
    return max(-(-longest // grid), 2) * grid
