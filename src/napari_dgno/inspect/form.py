"""The upper part of the Inspect panel: which image, and which model or two."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal, TypeAlias

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget

from dgno_core.errors import DGNOError
from dgno_core.io.axes import is_colour
from dgno_core.io.units import micrometers
from napari_dgno.inspect import tooltips as tips
from napari_dgno.shared.analysis_place import Place
from napari_dgno.shared.layer_combo import image_combo
from napari_dgno.shared.layers import layer_axes, layer_source, visible_region
from napari_dgno.shared.model_chooser import ModelChooser
from napari_dgno.shared.models import find_card
from napari_dgno.shared.panel import explain_labels, set_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from dgno_core.inference import RestoreConfig
    from dgno_core.models import ModelCard
    from napari_dgno.shared.settings import Preferences

#: Whose brightness an image is scaled by, before the network sees it.
Scaling: TypeAlias = Literal["stack", "plane"]
#: Planes up to this side are looked at as a whole, of larger ones what is on screen.
SIDE = 512


class InspectForm(QWidget):
    """Fields that all analyses share.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its image layers can be chosen.
    preferences : callable
        Gives the preferences as they are now.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, preferences: Callable[[], Preferences]) -> None:
        super().__init__()
        self._viewer = viewer
        self._preferences = preferences
        #: As the result was made that is checked; any other choice scales by the whole stack.
        self._scaling: Scaling = "stack"
        folder = preferences().model_folder
        self.layer_combo = image_combo(viewer)
        self.model_chooser = ModelChooser(folder)
        self.second_chooser = ModelChooser(folder, first=("None", ""))
        self.axes_edit = QLineEdit()
        self.axes_edit.setMaxLength(7)
        self.channel_combo = QComboBox()
        for colour in ("Red", "Green", "Blue"):
            self.channel_combo.addItem(colour)
        self.channel_combo.setCurrentIndex(1)
        form = QFormLayout(self)
        set_out(form)
        self._fields = form
        rows = (
            ("Image", self.layer_combo, tips.LAYER),
            ("Model", self.model_chooser, tips.MODEL),
            ("Compare with", self.second_chooser, tips.SECOND),
            ("Axes", self.axes_edit, tips.AXES),
            ("Colour", self.channel_combo, tips.CHANNEL),
        )
        for title, widget, tip in rows:
            form.addRow(title, widget)
            widget.setToolTip(tip)
        explain_labels(form, [(widget, tip) for _, widget, tip in rows])
        self.layer_combo.layer_changed.connect(self._show_layer)
        self.model_chooser.model_changed.connect(self._show)
        self.second_chooser.model_changed.connect(self.changed)
        self.axes_edit.textChanged.connect(self._show)
        self._show_layer()

    def set_folder(self) -> None:
        """List the models of the folder that the preferences name now."""
        for chooser in (self.model_chooser, self.second_chooser):
            chooser.set_folder(self._preferences().model_folder)

    def has_layer(self, layer: Layer) -> bool:
        """Whether a layer is still in the viewer."""
        return layer in self._viewer.layers

    def choose(self, layer: Image, model: str, axes: str, scaling: Scaling = "stack") -> None:
        """Fill in which image and which model, and whose brightness the image is scaled by.

        Raises
        ------
        DGNOError
            If the layer is gone, or there is no such model.
        """
        if not self.has_layer(layer):
            raise DGNOError(f"The layer {layer.name!r} is gone: restore an image first.")
        self.layer_combo.set_layer(layer)
        self.model_chooser.set_model(model)
        if axes:
            self.axes_edit.setText(axes)
        self._scaling = scaling

    def place(self, side: int = SIDE) -> Place:
        """Return the current plane of the chosen layer, or what is on screen of a large one.

        Raises
        ------
        DGNOError
            If there is no image, or its axes do not fit.
        """
        layer = self.layer_combo.layer()
        if layer is None:
            raise DGNOError("There is no image to look into: open one, or a sample, first.")
        source = layer_source(layer, self.axes_edit.text())
        region = visible_region(layer, source, self._viewer.dims, side=side)
        height, width = (source.shape[source.axes.index(letter)] for letter in "YX")
        if max(height, width) <= side:
            whole = slice(0, height), slice(0, width)
            region = dataclasses.replace(region, y=whole[0], x=whole[1], whole_view=True)
        return Place(layer, source, region)

    def config(self, model: str | None = None) -> RestoreConfig:
        """Return how the image is read, and by which network."""
        from dgno_core.inference import RestoreConfig

        preferences = self._preferences()
        return RestoreConfig(
            model=model or self.model_chooser.model(),
            axes=self.axes_edit.text().strip(),
            normalise=self._scaling,
            device=preferences.device,
            memory_share=preferences.memory_share,
            model_folder=preferences.model_folder,
        )

    def configs(self) -> list[RestoreConfig]:
        """Return the settings of the first and, if one is chosen, of the second model."""
        second = self.second_chooser.model()
        return [self.config(), *([self.config(second)] if second else [])]

    def card(self, model: str | None = None) -> ModelCard:
        """Read the card of the chosen model, or of another.

        Raises
        ------
        DGNOError
            If there is no such model.
        """
        name = model or self.model_chooser.model()
        folder = self._preferences().model_folder
        return find_card(name, colour=self._is_colour(), folder=folder)

    def channel(self) -> int:
        """Return which colour of a colour image a grey model looks at."""
        return self.channel_combo.currentIndex() if self._asks_channel() else 0

    def pixel_size(self, place: Place) -> float | None:
        """Return the size of a pixel in µm, where it is known."""
        source = place.source
        return micrometers(source.pixel_size.get("X", 0.0), source.units.get("X")) or None

    def disconnect_viewer(self) -> None:
        """Listen to the viewer no longer."""
        self.layer_combo.disconnect_viewer()

    def _is_colour(self) -> bool:
        layer = self.layer_combo.layer()
        if layer is None:
            return False
        try:
            source = layer_source(layer, self.axes_edit.text())
        except DGNOError:
            return bool(layer.rgb)
        return is_colour(source.axes, source.shape, source.dtype)

    def _asks_channel(self) -> bool:
        layer = self.layer_combo.layer()
        if layer is None or not layer.rgb:
            return False
        try:
            return self.card().channels == 1
        except DGNOError:
            return False

    def _show_layer(self) -> None:
        layer = self.layer_combo.layer()
        self.axes_edit.setText(layer_axes(layer) if layer is not None else "")
        self._show()

    def _show(self) -> None:
        self._scaling = "stack"
        self._fields.setRowVisible(self.channel_combo, self._asks_channel())
        self.changed.emit()
