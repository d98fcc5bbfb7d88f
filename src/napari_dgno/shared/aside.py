"""What lies over an image, put out of sight for a while; knows no Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_dgno.shared.layers import COMPARE_KEY

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Image
    from napari.utils.events import Event


class Aside:
    """Shows an image and hides its result and every image above, until `restore`.

    Layers of other kinds (labels, points, shapes) stay as they are, and so does what lies below.

    Parameters
    ----------
    layers : napari.components.LayerList
        Holds both.
    before, after : napari.layers.Image
        The image to see and its result, which is hidden wherever it lies.
    on_change : callable
        Called when something else shows or hides one of these layers; `restore` leaves that one
        as it is then.
    """

    def __init__(
        self,
        layers: LayerList,
        before: Image,
        after: Image,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        from napari.layers import Image

        above = [
            layer
            for layer in list(layers)[layers.index(before) + 1 :]
            if isinstance(layer, Image) and COMPARE_KEY not in layer.metadata
        ]
        self._before, self._on_change = before, on_change
        self._was = {layer: layer.visible for layer in (before, after, *above)}
        for layer in self._was:
            self._set(layer, layer is before)
            layer.events.visible.connect(self._on_visible)

    def show(self, visible: bool) -> None:
        """Show the image, or hide it too."""
        with self._before.events.visible.blocker(self._on_visible):
            self._set(self._before, visible)

    def restore(self) -> None:
        """Show and hide all layers as they were; safe to call twice."""
        was, self._was = self._was, {}
        for layer, visible in was.items():
            layer.events.visible.disconnect(self._on_visible)
            self._set(layer, visible)

    @staticmethod
    def _set(layer: Image, visible: bool) -> None:
        if layer.visible != visible:
            layer.visible = visible

    def _on_visible(self, event: Event) -> None:
        self._was[event.source] = event.source.visible
        self._on_change()
