"""Do tiles leave seams? Neighbouring pixels are compared across tile borders and elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from dgno_core.errors import DGNOError

Borders = tuple[tuple[int, ...], tuple[int, ...]]  # first rows and first columns behind a border


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


def _check(positions: Sequence[int], size: int) -> None:
    if any(not 0 < position < size for position in positions):
        raise DGNOError(f"Tile borders {tuple(positions)} do not lie inside {size} pixels.")
