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
from napari_dgno.shared.aside import Aside
from napari_dgno.shared.curtain_part import Part
from napari_dgno.shared.layers import COMPARE_KEY
from napari_dgno.shared.save_hook import SaveHook

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image
    from napari.utils.events import Event

#: Blendings that hide what lies below.
_COVERING = ("translucent", "translucent_no_depth", "opaque")
#: Screen pixels: how wide the line is, and how near the mouse must be to take it.
_LINE, _NEAR = 2.0, 8.0


def end_comparison(viewer: ViewerModel) -> None:
    """End the comparison that a viewer shows, if any: what shows or hides layers does so first."""
    for callback in list(viewer.mouse_drag_callbacks):
        curtain = getattr(callback, "__self__", None)
        if isinstance(curtain, Curtain):
            curtain.close()


class Curtain:
    """Shows `after` right of a line and `before` left of it, until it is closed.

    Other images above `before` are hidden meanwhile; all layers are as they were afterwards. It
    ends by itself when one of both leaves the viewer, a layer that it hid is shown by hand, the
    viewer turns to 3-D or to other axes, or layers are saved: its own are never written. A viewer
    has one: a new one closes the one before.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Holds both layers.
    before, after : napari.layers.Image
        The same place, before and after; `after` may be a part of it, such as a preview.
    on_close, on_move : callable
        Called when it ends, and with the new position when the line is drawn with the mouse.
    later : callable
        Runs what it is given when napari has done what it is about; at once if not given.

    Raises
    ------
    DGNOError
        If the viewer shows a volume, or other axes than the last two.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        before: Image,
        after: Image,
        *,
        on_close: Callable[[], None] = lambda: None,
        on_move: Callable[[float], None] = lambda _: None,
        later: Callable[[Callable[[], None]], None] = lambda task: task(),
    ) -> None:
        if viewer.dims.ndisplay != 2:
            raise DGNOError(
                "Only planes can be compared: switch the viewer back from 3D to 2D (button at the "
                "bottom left)."
            )
        self._displayed = tuple(viewer.dims.displayed)
        if self._displayed != (viewer.dims.ndim - 2, viewer.dims.ndim - 1):
            raise DGNOError(
                "Images can be compared in their usual view only: change the order of the axes "
                "back with the viewer's buttons at the bottom left."
            )
        end_comparison(viewer)
        self._viewer, self._before, self._after = viewer, before, after
        self._on_close, self._on_move, self._later = on_close, on_move, later
        self.is_open = True
        self._is_held = False
        self.position = 0.5
        layers = viewer.layers
        self._selected = set(layers.selection)
        self._left, self._right = (Part(layer, self._axis(layer)) for layer in (before, after))
        self._line = self._draw_line()
        self._own = [self._left.layer, self._right.layer, self._line]
        self._aside = Aside(layers, before, after, self.end)
        at = max(layers.index(before), layers.index(after)) + 1
        for layer in reversed(self._own):
            layers.insert(at, layer)
        layers.selection = self._selected
        self._show_sides()
        self.move(0.5)
        self._save_hook = SaveHook(layers, self.close)
        layers.events.removed.connect(self._on_removed)
        viewer.dims.events.ndisplay.connect(self._on_dims)
        viewer.dims.events.order.connect(self._on_dims)
        viewer.scene.camera.events.zoom.connect(self._on_zoom)
        viewer.mouse_drag_callbacks.append(self._drag)
        for name in ("opacity", "blending"):
            getattr(after.events, name).connect(self._show_sides)

    def move(self, position: float) -> None:
        """Put the line at a share of the width of `after`: 0 shows all of it, 1 only `before`."""
        self.position = min(max(position, 0.0), 1.0)
        column = self._right.show_from(self.position)
        self._place_line()
        # The line, in the pixels of the layer before.
        world = self._after.data_to_world(self._corner(self._after, column, 0))
        point = self._before.world_to_data(np.asarray(world)[-self._before.ndim :])
        self._left.show_until(round(point[self._left.axis] + 0.5))

    def hold(self, held: bool) -> None:
        """Show the original alone, or go on comparing."""
        self._is_held = held
        self._show_sides()

    def close(self) -> None:
        """Put everything back at once; safe to call twice."""
        self._end()
        self._take_away()

    def end(self) -> None:
        """Put everything back, the own layers a moment later: napari may be going through all."""
        if self.is_open:
            self._end()
            self._later(self._take_away)

    def _end(self) -> None:
        if not self.is_open:
            return
        self.is_open = False
        self._save_hook.remove()
        viewer = self._viewer
        viewer.layers.events.removed.disconnect(self._on_removed)
        viewer.dims.events.ndisplay.disconnect(self._on_dims)
        viewer.dims.events.order.disconnect(self._on_dims)
        viewer.scene.camera.events.zoom.disconnect(self._on_zoom)
        viewer.mouse_drag_callbacks.remove(self._drag)
        for name in ("opacity", "blending"):
            getattr(self._after.events, name).disconnect(self._show_sides)
        for part in (self._left, self._right):
            part.disconnect()
        self._aside.restore()
        self._on_close()

    def _take_away(self) -> None:
        """Remove the own layers; what the user has selected stays so, of a side its image."""
        own, self._own = self._own, []
        if not own:
            return
        layers = self._viewer.layers
        sides = {self._left.layer: self._before, self._right.layer: self._after}
        chosen = {sides.get(layer, layer) for layer in layers.selection}
        selected = chosen.difference(own) or self._selected
        for layer in own:
            if layer in layers:
                layers.remove(layer)
        layers.selection = selected.intersection(layers)

    def _show_sides(self, event: Event | None = None) -> None:
        """Show both sides, or the original alone while held."""
        # What adds its light to the layers below would show the original right of the line, too.
        covers = self._after.blending in _COVERING and self._after.opacity == 1
        self._aside.show(self._is_held or covers)
        self._left.switch(not (self._is_held or covers))
        self._right.switch(not self._is_held)
        self._line.visible = not self._is_held

    # What happens in the viewer -------------------------------------------------------------------

    def _on_removed(self, event: Event) -> None:
        if event.value in (self._before, self._after, *self._own):
            self.end()

    def _on_dims(self, event: Event) -> None:
        if tuple(self._viewer.dims.displayed) != self._displayed:
            self.end()

    def _on_zoom(self, event: Event | None = None) -> None:
        self._place_line()

    def _drag(self, viewer: ViewerModel, event: Any) -> Any:
        """Take the line with the mouse."""
        place = self._column_at(event.position)
        middle = self._right.column
        pixel = float(np.linalg.norm(self._ends(middle + 1)[0] - self._ends(middle)[0]))
        reach = _NEAR / max(viewer.scene.camera.zoom, 1e-9) / pixel
        if event.button != 1 or self._is_held or abs(place - middle) > max(reach, 0.5):
            return
        panning = viewer.scene.camera.mouse_pan
        viewer.scene.camera.mouse_pan = False
        try:
            yield
            while event.type == "mouse_move" and self.is_open:
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
