"""A choice among the viewer's image layers that keeps itself up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_dgno.shared.layers import COMPARE_KEY, PREVIEW_KEY, RESULT_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image
    from napari.utils.events import Event

#: In place of a layer where the viewer has none.
NOTHING = "Open an image first"


def is_view(layer: Image) -> bool:
    """Whether a panel shows something in a layer that is there to be looked at only."""
    record = layer.metadata.get(RESULT_KEY)
    return isinstance(record, dict) and bool({"training", "pairs"} & set(record))


def is_map(layer: Image) -> bool:
    """Whether a layer shows what the Inspect panel found, in colours that are no intensities.

    So does a comparison, for as long as it lasts.
    """
    record = layer.metadata.get(RESULT_KEY)
    return COMPARE_KEY in layer.metadata or (isinstance(record, dict) and "look" in record)


class LayerCombo(QComboBox):
    """Lists the image layers; follows the one selected in the layer list.

    Layers that this plugin made can be chosen but are never followed to, so that pressing Restore
    twice does not restore the restored. Those that only show how a training goes, or its pairs,
    are not chosen either in place of a layer that was deleted. Maps are not listed at all.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its layers are listed.
    parent : QWidget, optional
        Qt parent.
    """

    layer_changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layers: list[Image] = []
        self._current: Image | None = None
        self._following = True
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setPlaceholderText(NOTHING)
        events = viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            event.connect(self._refresh)
        viewer.layers.selection.events.active.connect(self._follow)
        self.currentIndexChanged.connect(self._choose)
        self._refresh()
        self._follow()

    def layer(self) -> Image | None:
        """Return the chosen layer, or None if the viewer has no image."""
        return self._current

    def set_layer(self, layer: Image) -> None:
        """Choose a layer of the viewer."""
        self.setCurrentIndex(self._layers.index(layer))

    def set_following(self, following: bool) -> None:
        """Follow the selection in the layer list, or stay (while a run goes on)."""
        self._following = following
        if following:
            self._follow()

    def disconnect_viewer(self) -> None:
        """Listen to the viewer no longer."""
        events = self._viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            event.disconnect(self._refresh)
        self._viewer.layers.selection.events.active.disconnect(self._follow)
        self._watch_names(self._layers, watch=False)
        self._layers = []

    def _watch_names(self, layers: list[Image], *, watch: bool) -> None:
        for layer in layers:
            emitter = layer.events.name
            (emitter.connect if watch else emitter.disconnect)(self._refresh)

    def _refresh(self, event: Event | None = None) -> None:
        from napari.layers import Image

        self._watch_names(self._layers, watch=False)
        images = [layer for layer in self._viewer.layers if isinstance(layer, Image)]
        self._layers = [layer for layer in images if not is_map(layer)]
        self._watch_names(self._layers, watch=True)
        self.blockSignals(True)
        self.clear()
        self.addItems([layer.name for layer in self._layers])
        self.setCurrentIndex(self._kept())
        self.blockSignals(False)
        self._choose(self.currentIndex())

    def _kept(self) -> int:
        """Index of the chosen layer; once that is gone, of the first one that is no mere view."""
        if self._current in self._layers:
            return self._layers.index(self._current)
        return next((i for i, layer in enumerate(self._layers) if not is_view(layer)), -1)

    def _choose(self, index: int) -> None:
        layer = self._layers[index] if 0 <= index < len(self._layers) else None
        if layer is not self._current:
            self._current = layer
            self.layer_changed.emit()

    def _follow(self, event: Event | None = None) -> None:
        active = self._viewer.layers.selection.active
        if active is None or not self._following or active not in self._layers:
            return
        if not {RESULT_KEY, PREVIEW_KEY} & set(active.metadata):
            self.set_layer(active)
