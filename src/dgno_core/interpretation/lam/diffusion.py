"""How widely an attribution map is spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

FLOOR = 1e-7  # added to every value, so that a map of zeros has an answer


def gini(values: ArrayLike) -> float:
    """Return the Gini coefficient: 0 where all values are alike, near 1 where one has it all.

    Negative values are first shifted so that the least is 0.
    """
    ordered = np.sort(np.asarray(values, np.float64), axis=None)
    ordered = ordered - min(ordered[0], 0.0) + FLOOR
    n = ordered.size
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float(ranks @ ordered / (n * ordered.sum()))


def diffusion_index(values: ArrayLike) -> float:
    """Return 100 (1 - `gini`): the larger, the more pixels share what the map holds.

    It depends on the number of pixels, so only maps of one size can be compared.
    """
    return 100 * (1 - gini(values))
