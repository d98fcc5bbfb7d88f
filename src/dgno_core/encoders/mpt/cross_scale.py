"""Cross-scale window attention CSWA as the paper defines it (Sec. 3.1, Eq. 1).

What the equations leave open, or what differs from them because the released parameters fix it:

- Logits are ``temperature cos(q, k) + B``, with a learnt temperature a head, not
  ``q k / sqrt(d) + B``: the released networks hold that temperature.
- The relative position is that within a window, of queries in theirs and of keys in theirs, so
  that one table of ``(2M - 1)^2`` entries serves every scale.
- Shifted blocks roll keys and values by half a window (M/2 cells) and queries by as far in the
  image (M/2 cells of 1/s pixels), so that a window of keys and its queries move together.
- At the wrap of the roll, attention is masked between what is not adjacent in the image (as in
  Swin): a query belongs to the cell that it lies in.
- NPConv is a depthwise 3x3 convolution of the whole map, zero beyond its border: this is what
  padding every window with its neighbourhood amounts to.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.encoders.mpt_config import DownSampling
from dgno_core.layers.initial import initial
from dgno_core.layers.windows import RelativeBias, from_windows, to_windows
from dgno_core.numerics.precision import widen

MASKED = -100.0


class Reduction(nn.Module):
    """The down-sampling module (paper Fig. 7 and Table 9).

    ``p + conv1x1(p)``, where p is the map reduced by an integer factor.

    The variants of Table 9 reduce otherwise, or leave out the shortcut or the whole second half.
    The strided convolution is depthwise, as all convolutions wider than 1x1 that the paper does
    not speak of; bicubic interpolation is PyTorch's, without a low-pass before it.

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` input.
    factor : int
        1/s.
    kind : DownSampling
        See `MPTBlocks`.
    """

    def __init__(self, channels: int, factor: int, kind: DownSampling = "average") -> None:
        super().__init__()
        self.factor, self.kind = factor, kind
        self.convolution = (
            nn.Conv2d(channels, channels, factor, factor, groups=channels, bias=False)
            if kind == "convolution"
            else None
        )
        self.project = None if kind == "no_linear" else nn.Conv2d(channels, channels, 1, bias=False)

    def pool(self, x: Tensor) -> Tensor:
        """p, ``(B, C, Y/factor, X/factor)``."""
        if self.convolution is not None:
            return self.convolution(x)
        if self.kind == "maximum":
            return F.max_pool2d(x, self.factor)
        if self.kind == "bicubic":
            return F.interpolate(x, scale_factor=1 / self.factor, mode="bicubic")
        return F.avg_pool2d(x, self.factor)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, Y, X)`` to ``(B, C, Y/factor, X/factor)``."""
        pooled = self.pool(x)
        if self.project is None:
            return pooled
        projected = self.project(pooled)
        return projected if self.kind == "no_shortcut" else pooled + projected


class Places(NamedTuple):
    """Where the queries of one window of keys lie, each ``(queries,)`` of pixels in raster order.

    Attributes
    ----------
    window : Tensor
        Pixel of the query's own window.
    cell : Tensor
        Pixel of the window of keys that the query counts as, for the mask.
    """

    window: Tensor
    cell: Tensor


class CrossScaleAttention(nn.Module):
    """Every window of the reduced map is attended by the ``1/s x 1/s`` windows at its place.

    Parameters
    ----------
    channels, heads : int
        C of the ``(B, C, Y, X)`` input and output, and a divisor of it.
    window : int
        Side M of a window; Y and X are multiples of ``M reduction``.
    reduction : int
        1/s; 1 for plain window attention.
    shift : bool
        Shift the windows by half.
    down_sampling : DownSampling
        See `Reduction`.
    np_conv : bool
        With the neighbouring padding convolution.
    """

    window_of: Tensor
    cell_of: Tensor

    def __init__(
        self,
        channels: int,
        heads: int,
        *,
        window: int = 8,
        reduction: int = 1,
        shift: bool = False,
        down_sampling: DownSampling = "average",
        np_conv: bool = True,
    ) -> None:
        super().__init__()
        self.heads, self.window, self.reduction = heads, window, reduction
        self.shift = window // 2 if shift else 0
        self.reduce = (
            nn.Identity() if reduction == 1 else Reduction(channels, reduction, down_sampling)
        )
        self.query = nn.Conv2d(channels, channels, 1, bias=False)
        self.key_value = nn.Conv2d(channels, 2 * channels, 1, bias=False)
        self.query_mix = _np_conv(channels, np_conv)
        self.key_value_mix = _np_conv(2 * channels, np_conv)
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.bias = RelativeBias(heads, window)
        self.project = nn.Conv2d(channels, channels, 1, bias=False)
        queries = ((window * reduction) ** 2,)
        window_of = initial(queries, lambda: self.places().window, torch.int64)
        cell_of = initial(queries, lambda: self.places().cell, torch.int64)
        self.register_buffer("window_of", window_of, persistent=False)
        self.register_buffer("cell_of", cell_of, persistent=False)

    def places(self) -> Places:
        """Where the queries of one window of keys lie."""
        side = torch.arange(self.window * self.reduction)
        within, cell = side % self.window, side // self.reduction
        return Places(
            (within[:, None] * self.window + within).flatten(),
            (cell[:, None] * self.window + cell).flatten(),
        )

    def gather(self, query: Tensor) -> Tensor:
        """Convolve, shift and sort the queries ``(B, C, Y, X)``: ``(B, n, queries, C)``."""
        step = self.shift * self.reduction
        return to_windows(_roll(self.query_mix(query), -step), self.window * self.reduction)

    def scatter(self, queries: Tensor, columns: int) -> Tensor:
        """Undo the sorting and the shift of `gather`, for as many windows of keys in a row."""
        step = self.shift * self.reduction
        return _roll(from_windows(queries, self.window * self.reduction, columns), step)

    def offsets(self, rows: int, columns: int) -> Tensor:
        """What is added to the logits: relative position bias, and mask at the wrap of a shift.

        Parameters
        ----------
        rows, columns : int
            Windows of keys in the map.

        Returns
        -------
        Tensor
            ``(n, heads, queries, keys)`` with n = rows x columns; n = 1 without a shift.
        """
        bias = self.bias().index_select(1, self.window_of)
        if not self.shift:
            return bias[None]
        # Only windows of the last row and column hold pixels of both sides of the image.
        wrapped = self.window - self.shift
        keys = torch.arange(self.window**2, device=bias.device)
        across_y = (self.cell_of // self.window >= wrapped)[:, None] != (
            keys // self.window >= wrapped
        )
        across_x = (self.cell_of % self.window >= wrapped)[:, None] != (
            keys % self.window >= wrapped
        )
        free = torch.zeros_like(across_y)
        cut = torch.stack([free, across_x, across_y, across_x | across_y])
        kinds = bias + cut[:, None] * MASKED
        last_row = torch.arange(rows, device=bias.device) == rows - 1
        last_column = torch.arange(columns, device=bias.device) == columns - 1
        return kinds.index_select(0, (2 * last_row[:, None] + last_column.int()).flatten())

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, Y, X)``, normalised, to the same shape."""
        b, c = x.shape[:2]
        key_value = self.key_value_mix(self.key_value(self.reduce(x)))
        rows, columns = (side // self.window for side in key_value.shape[-2:])
        key, value = to_windows(_roll(key_value, -self.shift), self.window).chunk(2, dim=-1)
        q, k, v = map(self._split_heads, (self.gather(self.query(x)), key, value))
        # The smallest norm that is divided by is zero in float16.
        q, k = (F.normalize(widen(t), dim=-1) for t in (q, k))
        q, k = (q * self.temperature).to(v.dtype), k.to(v.dtype)
        offsets = self.offsets(rows, columns).to(v.dtype)
        if len(offsets) > 1:
            offsets = offsets.repeat(b, 1, 1, 1)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=offsets, scale=1.0)
        joined = attended.transpose(1, 2).reshape(b, rows * columns, -1, c)
        return self.project(self.scatter(joined, columns))

    def _split_heads(self, windows: Tensor) -> Tensor:
        """``(B, n, L, C)`` to ``(B n, heads, L, C / heads)``."""
        b, n, length, c = windows.shape
        return windows.reshape(b * n, length, self.heads, c // self.heads).transpose(1, 2)


def _np_conv(channels: int, wanted: bool) -> nn.Module:
    """NPConv, or nothing."""
    if not wanted:
        return nn.Identity()
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def _roll(x: Tensor, step: int) -> Tensor:
    """Move a map down and right, what leaves it entering on the other side."""
    return x.roll((step, step), (-2, -1)) if step else x
