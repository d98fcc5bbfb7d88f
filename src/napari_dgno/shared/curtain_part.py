"""One side of a comparison: a view of a layer's pixels, without a copy; knows no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dgno.shared.layers import COMPARE_KEY, linear_matrix, look_of

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.utils.events import Event

#: What the user may change on a layer, or on its part, while only the part is shown.
_SHARED = ("contrast_limits", "colormap", "gamma", "opacity", "blending", "interpolation2d")


class Part:
    """A layer that shows the pixels of another one on one side of a column.

    Parameters
    ----------
    layer : napari.layers.Image
        The other one.
    axis : int
        Along which columns count.
    """

    def __init__(self, layer: Image, axis: int) -> None:
        from napari.layers import Image

        self._original = layer
        self._levels = [_sliceable(level) for level in _levels(layer)]
        self.axis = axis
        self.width = int(self._levels[0].shape[axis])
        self.column = 0
        self._has_pixels = self._is_on = True
        self._is_following = False
        # Columns at which every level of a pyramid has a pixel's border.
        self._grid = max(1, round(self.width / self._levels[-1].shape[axis]))
        self.layer = Image(
            self._levels if layer.multiscale else self._levels[0],
            name=f"comparison: {layer.name}",
            multiscale=layer.multiscale,
            metadata={COMPARE_KEY: True},
            **look_of(layer),
        )
        for one in (layer, self.layer):
            for name in _SHARED:
                getattr(one.events, name).connect(self._follow)

    def switch(self, on: bool) -> None:
        """Show it where it has pixels, or hide it."""
        self._is_on = on
        visible = on and self._has_pixels
        if self.layer.visible != visible:
            self.layer.visible = visible

    def show_from(self, position: float) -> int:
        """Show what lies right of a share of the width; return the column where it begins."""
        column = round(position * self.width / self._grid) * self._grid
        self.column = min(column, self.width)
        # No layer is without pixels: where nothing is left to show, it is hidden.
        first = min(self.column, (self.width - 1) // self._grid * self._grid)
        self._show(slice(first, None), first, is_empty=self.column >= self.width)
        return self.column

    def show_until(self, column: int) -> None:
        """Show what lies left of a column."""
        self.column = min(max(round(column / self._grid) * self._grid, 0), self.width)
        self._show(slice(0, max(self.column, self._grid)), 0, is_empty=self.column == 0)

    def disconnect(self) -> None:
        """Let each layer have its own look again."""
        for one in (self._original, self.layer):
            for name in _SHARED:
                getattr(one.events, name).disconnect(self._follow)

    def _show(self, part: slice, first: int, *, is_empty: bool) -> None:
        levels = [self._cut(level, part) for level in self._levels]
        offset = np.zeros(self._original.ndim)
        offset[self.axis] = first
        moved = np.asarray(self._original.translate) + linear_matrix(self._original) @ offset
        self.layer.data = levels if self._original.multiscale else levels[0]
        self.layer.translate = moved
        self._has_pixels = not is_empty
        self.switch(self._is_on)

    def _cut(self, level: Any, part: slice) -> Any:
        factor = round(self.width / level.shape[self.axis])
        ends = (None if end is None else end // factor for end in (part.start, part.stop))
        return level[(slice(None),) * self.axis + (slice(*ends),)]

    def _follow(self, event: Event) -> None:
        """Give what was changed on one of both layers to the other, and not back again."""
        if event.type not in _SHARED or self._is_following:
            return
        source, other = self._original, self.layer
        if event.source is self.layer:
            source, other = other, source
        self._is_following = True
        try:
            setattr(other, event.type, getattr(source, event.type))
        finally:
            self._is_following = False


def _levels(layer: Image) -> list[Any]:
    return list(layer.data) if layer.multiscale else [layer.data]


def _sliceable(data: Any) -> Any:
    """Return an array whose parts are views: zarr and its like read them at once."""
    if isinstance(data, np.ndarray) or hasattr(data, "dask"):
        return data
    import dask.array as da

    return da.from_array(data)
