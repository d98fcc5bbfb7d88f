"""CSWA as the released code computes it, for its checkpoints (``alignment="official"``).

With r = 1/s, it differs from the paper where r > 1:

1. Before NPConv the windows of queries are put together to r^2 maps of the reduced size instead
   of one of full size: neighbours across windows are wrong ones, and in shifted blocks the roll
   moves pixels within these maps, but is undone in the real one.
2. Windows of queries are dealt out in raster order, r^2 in turn to a window of keys, so that a
   window of queries seldom meets the window of keys at its place. Which it meets depends on the
   width of the image.
3. Shifted blocks roll the queries by M/2 pixels, the keys by M/2 cells.
4. The mask takes the pixels of every window of queries for the cells of its window of keys.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dgno_core.encoders.mpt.cross_scale import CrossScaleAttention, Places
from dgno_core.layers.windows import from_windows, to_windows


class ReleasedCrossScaleAttention(CrossScaleAttention):
    """See `CrossScaleAttention`; same parameters."""

    def places(self) -> Places:
        """The same for every window of queries: they count as lying upon the window of keys."""
        pixels = torch.arange(self.window**2).repeat(self.reduction**2)
        return Places(pixels, pixels)

    def gather(self, query: Tensor) -> Tensor:
        """Convolve, shift and sort the queries ``(B, C, Y, X)``: ``(B, n, queries, C)``."""
        b, c, _, width = query.shape
        copies, pixels = self.reduction**2, self.window**2
        windows = to_windows(query, self.window).reshape(b * copies, -1, pixels, c)
        maps = from_windows(windows, self.window, width // self.reduction // self.window)
        mixed = self.query_mix(maps).roll((-self.shift, -self.shift), (-2, -1))
        return to_windows(mixed, self.window).reshape(b, -1, copies * pixels, c)

    def scatter(self, queries: Tensor, columns: int) -> Tensor:
        """Put the windows in their places, and undo the shift in the real map."""
        b, _, _, c = queries.shape
        windows = queries.reshape(b, -1, self.window**2, c)
        full = from_windows(windows, self.window, columns * self.reduction)
        return full.roll((self.shift, self.shift), (-2, -1))
