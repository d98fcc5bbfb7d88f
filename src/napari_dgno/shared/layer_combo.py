"""A choice among the viewer's layers of one kind that keeps itself up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox

from napari_dgno.shared.layers import COMPARE_KEY, PREVIEW_KEY, RESULT_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer
    from napari.utils.events import Event

LayerT = TypeVar("LayerT", bound="Layer")


def is_view(layer: Layer) -> bool:
    """Whether a panel shows something in a layer that is there to be looked at only."""
    record = layer.metadata.get(RESULT_KEY)
    return isinstance(record, dict) and bool({"training", "pairs"} & set(record))


def is_map(layer: Layer) -> bool:
    """Whether a layer shows what an analysis found, in colours that are no intensities.

    So does a comparison, for as long as it lasts.
    """
    record = layer.metadata.get(RESULT_KEY)
    return COMPARE_KEY in layer.metadata or (isinstance(record, dict) and "analysis" in record)


def image_combo(viewer: ViewerModel) -> LayerCombo[Image]:
    """Make a choice among the image layers that follows the one selected in the layer list."""
    from napari.layers import Image

    return LayerCombo(viewer, Image, "Open an image first")


def labels_combo(viewer: ViewerModel, none: str) -> LayerCombo[Labels]:
    """Make a choice among the Labels layers, after an entry for none of them."""
    from napari.layers import Labels

    return LayerCombo(viewer, Labels, "Open labels first", none)


class LayerCombo(QComboBox, Generic[LayerT]):
    """Lists the layers of one kind, but no maps that an analysis made.

    Without an entry for none it follows the layer list, but never to a layer that this plugin made,
    so that pressing Restore twice does not restore the restored. Layers that only show how a
    training goes, or its pairs, are not chosen either in place of a layer that was deleted.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its layers are listed.
    kind : type
        Of the layers.
    placeholder : str
        What to do where the viewer has no such layer.
    none : str
        First entry, which stands for no layer; without it, one is always chosen.
    """

    layer_changed = Signal()

    def __init__(
        self, viewer: ViewerModel, kind: type[LayerT], placeholder: str, none: str = ""
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._kind = kind
        self._none = [none] if none else []
        self._layers: list[LayerT] = []
        self._current: LayerT | None = None
        self._following = not none
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setPlaceholderText(placeholder)
        for emitter in self._emitters():
            emitter.connect(self._refresh)
        viewer.layers.selection.events.active.connect(self._follow)
        self.currentIndexChanged.connect(self._choose)
        self._refresh()
        self._follow()

    def layer(self) -> LayerT | None:
        """Return the chosen layer, or None if there is none."""
        return self._current

    def set_layer(self, layer: LayerT | None) -> None:
        """Choose a layer of the viewer, or none."""
        at = -1 if layer is None else self._layers.index(layer)
        self.setCurrentIndex(at + len(self._none))

    def set_following(self, following: bool) -> None:
        """Follow the selection in the layer list, or stay (while a run goes on)."""
        self._following = following
        self._follow()

    def disconnect_viewer(self) -> None:
        """Listen to the viewer no longer."""
        for emitter in self._emitters():
            emitter.disconnect(self._refresh)
        self._viewer.layers.selection.events.active.disconnect(self._follow)
        self._watch_names(watch=False)
        self._layers = []

    def _emitters(self) -> tuple[Any, ...]:
        events = self._viewer.layers.events
        return events.inserted, events.removed, events.reordered

    def _watch_names(self, *, watch: bool) -> None:
        for layer in self._layers:
            emitter = layer.events.name
            (emitter.connect if watch else emitter.disconnect)(self._refresh)

    def _refresh(self, event: Event | None = None) -> None:
        self._watch_names(watch=False)
        layers = [layer for layer in self._viewer.layers if isinstance(layer, self._kind)]
        self._layers = [layer for layer in layers if not is_map(layer)]
        self._watch_names(watch=True)
        self.blockSignals(True)
        self.clear()
        if self._layers:
            self.addItems([*self._none, *(layer.name for layer in self._layers)])
        self.setCurrentIndex(self._kept())
        self.blockSignals(False)
        self._choose(self.currentIndex())

    def _kept(self) -> int:
        """Index of the chosen layer; once that is gone, of none or of one that is no mere view."""
        if self._current in self._layers:
            return self._layers.index(self._current) + len(self._none)
        if self._none:
            return 0
        return next((i for i, layer in enumerate(self._layers) if not is_view(layer)), -1)

    def _choose(self, index: int) -> None:
        at = index - len(self._none)
        layer = self._layers[at] if 0 <= at < len(self._layers) else None
        if layer is not self._current:
            self._current = layer
            self.layer_changed.emit()

    def _follow(self, event: Event | None = None) -> None:
        active = self._viewer.layers.selection.active
        if active is None or not self._following or active not in self._layers:
            return
        if not {RESULT_KEY, PREVIEW_KEY} & set(active.metadata):
            self.set_layer(active)
