"""One image of the locally sharpest planes of a stack, in focus nearly everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.focus.curve import PlaneMap, best_plane_map


def all_in_focus(
    stack: Sequence[Any],
    focus: PlaneMap | None = None,
    *,
    tile: int = 64,
    measure: str = "tenengrad",
) -> NDArray[Any]:
    """Put together the locally sharpest planes, blended linearly between the tiles' middles.

    Parameters
    ----------
    stack
        Planes of one size, registered: ``(Z, Y, X)`` or ``(Z, Y, X, 3)``, or a sequence of them as
        in `focus_curve`.
    focus
        Best plane of each tile; tiles without one take the most frequent plane. None: found by
        `best_plane_map`, with `tile` and `measure`.
    tile, measure
        As in `best_plane_map`.

    Returns
    -------
    ndarray
        In the size and type of the planes.

    Raises
    ------
    DGNOError
        If the planes are of unequal size or cannot be measured.

    Examples
    --------
    >>> import numpy as np
    >>> from dgno_core.focus import all_in_focus
    >>> from scipy.ndimage import gaussian_filter
    >>> squares = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((8, 8)))
    >>> stack = np.stack([gaussian_filter(squares, sigma) for sigma in (3, 0.5, 3)])
    >>> np.array_equal(all_in_focus(stack, tile=32), stack[1])
    True
    """
    from scipy.ndimage import map_coordinates

    focus = focus or best_plane_map(stack, tile, measure)
    known = focus.plane[focus.plane >= 0]
    usual = int(np.bincount(known).argmax()) if known.size else 0
    plane = np.where(focus.plane < 0, usual, focus.plane)
    places = [
        np.interp(np.arange(edges[-1]), (edges[:-1] + edges[1:] - 1) / 2, np.arange(len(edges) - 1))
        for edges in (focus.edges_y, focus.edges_x)
    ]
    grid = np.meshgrid(*places, indexing="ij")
    total: Any = 0.0
    dtype = np.dtype(np.float32)
    for index in sorted({int(i) for i in np.unique(plane)}):
        weight = map_coordinates((plane == index).astype(np.float64), grid, order=1, mode="nearest")
        pixels = stack[index].read() if hasattr(stack[index], "read") else np.asarray(stack[index])
        dtype = pixels.dtype
        total = total + pixels * (weight[..., None] if pixels.ndim == 3 else weight)
    blended: NDArray[Any] = np.rint(total) if dtype.kind in "iu" else total
    return blended.astype(dtype)
