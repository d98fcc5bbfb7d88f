"""A movable line over the image: left of it the original, right of it the restored one.

Knows no Qt. The line cuts a *view* of the restored layer: a second layer that shows the same
array from the line on, without a copy, in all its planes, while the restored layer itself is
hidden. So it works for stacks, pyramids, colour, and however the layers are turned and scaled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dgno_core.errors import DGNOError
from napari_dgno._layers import COMPARE_KEY, linear_matrix, look_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image
    from napari.utils.events import Event

#: What the user may change on the restored layer while only a part of it is shown.
_SHARED = ("contrast_limits", "colormap", "gamma", "opacity", "interpolation2d")
#: Blendings that hide what lies below.
_COVERING = ("translucent", "translucent_no_depth", "opaque")
#: Screen pixels: how wide the line is, and how near the mouse must be to take it.
_LINE, _NEAR = 2.0, 8.0


class Curtain:
    """Shows `after` right of a line and `before` left of it, until it is closed.

    Both layers are as they were afterwards. It closes by itself when one of them leaves the
    viewer, is shown or hidden by hand, or the viewer turns to 3-D or to other axes.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Holds both layers.
    before, after : napari.layers.Image
        The same place, before and after; `after` may be a part of it, such as a preview.
    on_close, on_move : callable
        Called when it closes, and with the new position when the line is drawn with the mouse.

    Raises
    ------
    DGNOError
        If the viewer shows a volume.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        before: Image,
        after: Image,
        *,
        on_close: Callable[[], None] = lambda: None,
        on_move: Callable[[float], None] = lambda _: None,
    ) -> None:
        if viewer.dims.ndisplay != 2:
            raise DGNOError(
                "Only planes can be compared: switch the viewer back from 3D to 2D (button at the "
                "bottom left)."
            )
        self._viewer, self._before, self._after = viewer, before, after
        self._on_close, self._on_move = on_close, on_move
        self._displayed = tuple(viewer.dims.displayed)
        self._shown = {layer: layer.visible for layer in (before, after)}
        self._is_open = True
        self._is_held = False
        self.position = 0.5
        covers = after.blending in _COVERING and after.opacity == 1
        active = viewer.layers.selection.active
        self._right = _Part(after, self._axis(after))
        # What adds its light to the layers below would still show the original right of the line.
        self._left = None if covers else _Part(before, self._axis(before))
        self._line = self._draw_line()
        own = [part.layer for part in (self._left, self._right) if part is not None]
        at = viewer.layers.index(after) + 1
        for layer in (*own, self._line):
            viewer.layers.insert(at, layer)
            at += 1
        self._own = (*own, self._line)
        before.visible, after.visible = covers, False
        viewer.layers.selection.active = active
        self.move(0.5)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.dims.events.ndisplay.connect(self._on_dims)
        viewer.dims.events.order.connect(self._on_dims)
        viewer.scene.camera.events.zoom.connect(self._on_zoom)
        viewer.mouse_drag_callbacks.append(self._drag)
        for layer in (before, after):
            layer.events.visible.connect(self._on_visible)

    def move(self, position: float) -> None:
        """Put the line at a share of the width of `after`: 0 shows all of it, 1 only `before`."""
        self.position = min(max(position, 0.0), 1.0)
        column = self._right.show_from(self.position)
        self._place_line()
        if self._left is not None:
            # The line, in the pixels of the layer before.
            world = self._after.data_to_world(self._corner(self._after, column, 0))
            point = self._before.world_to_data(np.asarray(world)[-self._before.ndim :])
            self._left.show_until(round(point[self._left.axis] + 0.5))

    def hold(self, held: bool) -> None:
        """Show the original alone, or go on comparing."""
        self._is_held = held
        for part in (self._left, self._right):
            if part is not None:
                part.layer.visible = part.has_pixels and not held
        self._line.visible = not held
        if self._left is not None:
            self._set_visible(self._before, held)

    def close(self) -> None:
        """Put everything back; safe to call twice."""
        if not self._is_open:
            return
        self._is_open = False
        viewer = self._viewer
        viewer.layers.events.removed.disconnect(self._on_removed)
        viewer.dims.events.ndisplay.disconnect(self._on_dims)
        viewer.dims.events.order.disconnect(self._on_dims)
        viewer.scene.camera.events.zoom.disconnect(self._on_zoom)
        viewer.mouse_drag_callbacks.remove(self._drag)
        for part in (self._left, self._right):
            if part is not None:
                part.disconnect()
        active = viewer.layers.selection.active
        for layer in self._own:
            if layer in viewer.layers:
                viewer.layers.remove(layer)
        for layer, shown in self._shown.items():
            layer.events.visible.disconnect(self._on_visible)
            layer.visible = shown
        if active in viewer.layers:
            viewer.layers.selection.active = active
        self._on_close()

    # What happens in the viewer -------------------------------------------------------------------

    def _on_removed(self, event: Event) -> None:
        if event.value in (self._before, self._after, *self._own):
            self.close()

    def _on_dims(self, event: Event) -> None:
        if tuple(self._viewer.dims.displayed) != self._displayed:
            self.close()

    def _on_visible(self, event: Event) -> None:
        """Close if a layer was shown or hidden by hand; that stays as the user wants it."""
        layer = event.source
        self._shown[layer] = layer.visible
        self.close()

    def _on_zoom(self, event: Event | None = None) -> None:
        self._place_line()

    def _set_visible(self, layer: Image, visible: bool) -> None:
        with layer.events.visible.blocker(self._on_visible):
            layer.visible = visible

    def _drag(self, viewer: ViewerModel, event: Any) -> Any:
        """Take the line with the mouse."""
        place = self._column_at(event.position)
        middle = self._right.column
        reach = _NEAR / max(viewer.scene.camera.zoom, 1e-9) / self._right.pixel
        if event.button != 1 or self._is_held or abs(place - middle) > max(reach, 0.5):
            return
        panning = viewer.scene.camera.mouse_pan
        viewer.scene.camera.mouse_pan = False
        try:
            yield
            while event.type == "mouse_move":
                self.move(self._column_at(event.position) / self._right.width)
                self._on_move(self.position)
                yield
        finally:
            viewer.scene.camera.mouse_pan = panning

    def _column_at(self, world: Any) -> float:
        """Return where a point lies along the axis that the line cuts, in pixels of `after`."""
        point = self._after.world_to_data(np.asarray(world)[-self._after.ndim :])
        return float(point[self._right.axis]) + 0.5

    # Where things lie -----------------------------------------------------------------------------

    def _axis(self, layer: Image) -> int:
        """Return the axis of a layer that runs from left to right."""
        return self._displayed[-1] - (self._viewer.dims.ndim - layer.ndim)

    def _corner(self, layer: Image, column: int, row: int) -> np.ndarray:
        """Return the corner of a pixel, in data coordinates, on the plane that is shown."""
        lead = self._viewer.dims.ndim - layer.ndim
        point = np.array(layer.world_to_data(np.asarray(self._viewer.dims.point)[lead:]))
        down, across = (axis - lead for axis in self._displayed)
        point[down], point[across] = row - 0.5, column - 0.5
        return point

    def _ends(self, column: int) -> np.ndarray:
        """Return both ends of the line, in the world coordinates that are displayed."""
        after = self._after
        lead = self._viewer.dims.ndim - after.ndim
        down = self._displayed[0] - lead
        rows = (0, (after.data[0] if after.multiscale else after.data).shape[down])
        shown = [axis - lead for axis in self._displayed]
        return np.array(
            [
                np.asarray(after.data_to_world(self._corner(after, column, row)))[shown]
                for row in rows
            ]
        )

    def _draw_line(self) -> Image:
        """Make the line: one white pixel, stretched; drawn shapes can crash some drivers."""
        from napari.layers import Image

        lead = self._viewer.dims.ndim - self._after.ndim
        return Image(
            np.ones((1, 1), np.uint8),
            contrast_limits=(0, 1),
            units=[self._after.units[axis - lead] for axis in self._displayed],
            name="comparison: line",
            metadata={COMPARE_KEY: True},
        )

    def _place_line(self) -> None:
        """Stretch the line along the border of the pixels, as wide as the zoom needs."""
        column = self._right.column
        top, bottom = self._ends(column)
        aside = self._ends(column + 1)[0] - top
        across = aside / np.linalg.norm(aside) * _LINE / max(self._viewer.scene.camera.zoom, 1e-9)
        affine = np.eye(3)
        affine[:2] = np.stack([bottom - top, across, (top + bottom) / 2], axis=1)
        self._line.affine = affine


class _Part:
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
        self.pixel = float(abs(layer.scale[axis])) or 1.0
        self.column = 0
        self.has_pixels = True
        # Columns at which every level of a pyramid has a pixel's border.
        self._grid = max(1, round(self.width / self._levels[-1].shape[axis]))
        self.layer = Image(
            self._levels if layer.multiscale else self._levels[0],
            name=f"comparison: {layer.name}",
            multiscale=layer.multiscale,
            metadata={COMPARE_KEY: True},
            **look_of(layer),
        )
        for name in _SHARED:
            getattr(layer.events, name).connect(self._follow)

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
        """Follow the other layer no longer."""
        for name in _SHARED:
            getattr(self._original.events, name).disconnect(self._follow)

    def _show(self, part: slice, first: int, *, is_empty: bool) -> None:
        levels = [self._cut(level, part) for level in self._levels]
        offset = np.zeros(self._original.ndim)
        offset[self.axis] = first
        moved = np.asarray(self._original.translate) + linear_matrix(self._original) @ offset
        self.layer.data = levels if self._original.multiscale else levels[0]
        self.layer.translate = moved
        self.has_pixels = not is_empty
        if self.layer.visible != self.has_pixels:
            self.layer.visible = self.has_pixels

    def _cut(self, level: Any, part: slice) -> Any:
        factor = round(self.width / level.shape[self.axis])
        ends = (None if end is None else end // factor for end in (part.start, part.stop))
        return level[(slice(None),) * self.axis + (slice(*ends),)]

    def _follow(self, event: Event) -> None:
        if event.type in _SHARED:
            setattr(self.layer, event.type, getattr(self._original, event.type))


def _levels(layer: Image) -> list[Any]:
    return list(layer.data) if layer.multiscale else [layer.data]


def _sliceable(data: Any) -> Any:
    """Return an array whose parts are views: zarr and its like read them at once."""
    if isinstance(data, np.ndarray) or hasattr(data, "dask"):
        return data
    import dask.array as da

    return da.from_array(data)
