"""The effective rank of a matrix (Roy & Vetterli 2007).

It is ``exp(H)``, H the entropy of the singular values divided by their sum, and counts how many
directions a matrix really uses: 1 when all rows are alike, d when d directions are used equally.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dgno_core.errors import DGNOError

ROWS = 1 << 16  # taken at a time, so that no float64 copy of all rows is needed


def effective_rank(z: ArrayLike, *, centre: bool = False) -> float:
    """Effective rank of a matrix.

    Parameters
    ----------
    z
        ``(n, d)``: n samples of d channels. The Gram matrix is summed in float64: n may be large.
    centre
        Subtract the mean of each channel first. A mean adds a direction of its own and takes
        weight from the others.

    Returns
    -------
    float
        1 to min(n, d); NaN for a matrix of zeros.

    Raises
    ------
    DGNOError
        If `z` is no matrix or has values that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from dgno_core.metrics import effective_rank
    >>> round(effective_rank(np.eye(3)), 6)
    3.0
    """
    matrix = np.asarray(z)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise DGNOError(f"An effective rank needs a matrix, not an array of shape {matrix.shape}.")
    n, d = matrix.shape
    mean = matrix.mean(0, dtype=np.float64) if centre else np.zeros(d)
    gram = np.zeros((d, d))
    for start in range(0, n, ROWS):
        part = matrix[start : start + ROWS] - mean
        gram += part.T @ part
    if not np.isfinite(gram).all():
        raise DGNOError("An effective rank needs finite values.")
    singular = np.sqrt(np.clip(np.linalg.eigvalsh(gram), 0, None))
    if not singular.any():
        return float("nan")
    share = singular / singular.sum()
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))
