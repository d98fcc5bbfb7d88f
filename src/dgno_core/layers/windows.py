"""Square windows of a map, and the bias of attention by relative position within them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgno_core.layers.initial import initial


def to_windows(x: Tensor, size: int) -> Tensor:
    """Cut a map into windows.

    Parameters
    ----------
    x : Tensor
        ``(B, C, Y, X)``; Y and X are multiples of `size`.
    size : int
        Side of a window.

    Returns
    -------
    Tensor
        ``(B, windows, pixels, C)``, windows and the pixels within them in raster order.
    """
    b, c, height, width = x.shape
    cut = x.view(b, c, height // size, size, width // size, size)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(b, -1, size * size, c)


def from_windows(windows: Tensor, size: int, columns: int) -> Tensor:
    """Undo `to_windows`.

    Parameters
    ----------
    windows : Tensor
        ``(B, windows, pixels, C)``.
    size : int
        Side of a window.
    columns : int
        Windows in a row.

    Returns
    -------
    Tensor
        ``(B, C, Y, X)``, channels-last.
    """
    b, count, _, c = windows.shape
    rows = count // columns
    cut = windows.reshape(b, rows, columns, size, size, c).permute(0, 1, 3, 2, 4, 5)
    return cut.reshape(b, rows * size, columns * size, c).permute(0, 3, 1, 2)


def relative_index(size: int) -> Tensor:
    """Which entry of the bias table belongs to a query and a key.

    Parameters
    ----------
    size : int
        Side M of a window.

    Returns
    -------
    Tensor
        ``(M^2, M^2)``, int64: ``(dy + M - 1) (2M - 1) + dx + M - 1`` for a key ``(dy, dx)`` above
        and left of the query.
    """
    side = torch.arange(size)
    difference = side[:, None] - side + size - 1
    index = difference[:, None, :, None] * (2 * size - 1) + difference[None, :, None, :]
    return index.reshape(size * size, size * size)


class RelativeBias(nn.Module):
    """Learnt bias of the attention of every head by relative position (Swin, arXiv 2103.14030).

    Parameters
    ----------
    heads : int
        Number of heads.
    size : int
        Side M of a window.
    """

    index: Tensor

    def __init__(self, heads: int, size: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros((2 * size - 1) ** 2, heads))
        pixels = size * size
        index = initial((pixels, pixels), lambda: relative_index(size), torch.int64)
        self.register_buffer("index", index, persistent=False)

    def forward(self) -> Tensor:
        """``(heads, M^2, M^2)``, queries before keys."""
        return self.table[self.index].permute(2, 0, 1)
