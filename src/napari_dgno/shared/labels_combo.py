"""A choice among the viewer's Labels layers, or none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox

from napari_dgno.shared.analysis_overlay import looked_at

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels
    from napari.utils.events import Event


#: In place of a layer where the viewer has none.
NOTHING = "Open labels first"


class LabelsCombo(QComboBox):
    """Lists the Labels layers that this plugin did not make, after an entry for none.

    Where there are none it is empty, and says what to open first.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its layers are listed.
    nothing : str
        What the first entry says.
    """

    layer_changed = Signal()

    def __init__(self, viewer: ViewerModel, nothing: str) -> None:
        super().__init__()
        self._viewer = viewer
        self._nothing = nothing
        self._layers: list[Labels] = []
        self._current: Labels | None = None
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setPlaceholderText(NOTHING)
        events = viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            event.connect(self._refresh)
        self.currentIndexChanged.connect(self._choose)
        self._refresh()

    def layer(self) -> Labels | None:
        """Return the chosen layer, or None."""
        return self._current

    def set_layer(self, layer: Labels | None) -> None:
        """Choose a layer of the viewer, or none."""
        self.setCurrentIndex(0 if layer is None else self._layers.index(layer) + 1)

    def disconnect_viewer(self) -> None:
        """Listen to the viewer no longer."""
        events = self._viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            event.disconnect(self._refresh)
        self._watch_names(watch=False)
        self._layers = []

    def _watch_names(self, *, watch: bool) -> None:
        for layer in self._layers:
            emitter = layer.events.name
            (emitter.connect if watch else emitter.disconnect)(self._refresh)

    def _refresh(self, event: Event | None = None) -> None:
        from napari.layers import Labels

        self._watch_names(watch=False)
        labels = [layer for layer in self._viewer.layers if isinstance(layer, Labels)]
        self._layers = [layer for layer in labels if looked_at(layer) is None]
        self._watch_names(watch=True)
        self.blockSignals(True)
        self.clear()
        if self._layers:
            self.addItems([self._nothing, *(layer.name for layer in self._layers)])
        kept = self._current in self._layers
        self.setCurrentIndex(self._layers.index(self._current) + 1 if kept else 0)
        self.blockSignals(False)
        self._choose(self.currentIndex())

    def _choose(self, index: int) -> None:
        layer = self._layers[index - 1] if 0 < index <= len(self._layers) else None
        if layer is not self._current:
            self._current = layer
            self.layer_changed.emit()
