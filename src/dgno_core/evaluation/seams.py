"""Do tiles leave seams? Sharp ones between two neighbouring pixels, and wide ones in the mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from dgno_core.errors import DGNOError

Borders = tuple[tuple[int, ...], tuple[int, ...]]  # first rows and first columns behind a border
STRIP = 8  # px, width of the strips whose means are compared


def seam_ratio(image: ArrayLike, borders: Borders) -> float | None:
    """Mean absolute difference of neighbours across tile borders, relative to all others.

    About 1 where tiles leave no trace; a visible step raises it. The picture itself moves it too
    (a border may happen to run along an edge), so compare with the same pixels of an untiled
    result.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, S)``.
    borders
        Rows y and columns x where a tile begins that is not the first: the border lies between
        y - 1 and y.

    Returns
    -------
    The ratio, or None without borders; 1 for an image without any differences.
    """
    pixels = np.asarray(image, dtype=np.float64)
    across: list[np.ndarray] = []
    elsewhere: list[np.ndarray] = []
    for axis, positions in enumerate(borders):
        _check(positions, pixels.shape[axis])
        steps = np.abs(np.diff(pixels, axis=axis))
        at_border = np.zeros(steps.shape[axis], dtype=bool)
        at_border[[position - 1 for position in positions]] = True
        across.append(np.compress(at_border, steps, axis=axis).ravel())
        elsewhere.append(np.compress(~at_border, steps, axis=axis).ravel())
    at, other = np.concatenate(across), np.concatenate(elsewhere)
    if at.size == 0 or other.size == 0:
        return None
    if other.mean() == 0:
        return 1.0 if at.mean() == 0 else float("inf")
    return float(at.mean() / other.mean())


def mean_offset(tiled: ArrayLike, untiled: ArrayLike, borders: Borders, ramp: int = 0) -> float:
    """How far what the tiles change differs between the two sides of a border.

    A ramp from one tile to the next hides a step between neighbours, but not that one tile is
    brighter than the other. So the signed difference tiled - untiled is averaged in a strip on
    either side of the ramp, between two crossing borders at a time.

    Parameters
    ----------
    tiled, untiled
        ``(Y, X)`` or ``(Y, X, S)``.
    borders
        As for `seam_ratio`.
    ramp
        Pixels over which one tile hands over to the next; the border is in their middle.

    Returns
    -------
    The largest absolute difference of the means on the two sides, in units of the images.
    """
    change = np.asarray(tiled, dtype=np.float64) - np.asarray(untiled, dtype=np.float64)
    reach = (ramp + 1) // 2
    largest = 0.0
    for axis, positions in enumerate(borders):
        _check(positions, change.shape[axis])
        along = np.moveaxis(change, axis, 0)
        for position in positions:
            before = along[max(position - reach - STRIP, 0) : max(position - reach, 0)]
            behind = along[position + reach : position + reach + STRIP]
            if not len(before) or not len(behind):
                continue  # the image ends within the ramp
            pairs = zip(
                *(np.split(side, borders[1 - axis], 1) for side in (before, behind)), strict=True
            )
            largest = max(largest, *(abs(one.mean() - other.mean()) for one, other in pairs))
    return float(largest)


def _check(positions: Sequence[int], size: int) -> None:
    if any(not 0 < position < size for position in positions):
        raise DGNOError(f"Tile borders {tuple(positions)} do not lie inside {size} pixels.")
