"""The upper half of the panel: which image, which model, and how."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from napari_dgno import _tooltips
from napari_dgno._devices import TITLES, available_devices
from napari_dgno._layer_combo import LayerCombo
from napari_dgno._model_chooser import ModelChooser
from napari_dgno._panel import explain_labels, set_out
from napari_dgno._progress import wrapped_label

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from dgno_core.inference import RestoreConfig
    from napari_dgno._settings import Preferences

#: Tiles start on multiples of this many pixels, so their size is one as well. A model with a
#: coarser grid says so when it is run; its file is not read for each turn of the wheel.
TILE_STEP = 32
SMALLEST_TILE = 64


class SettingsForm(QWidget):
    """Fields for one restoration; `config` reads them all.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its image layers can be chosen.
    preferences : Preferences
        What the fields start with.
    parent : QWidget, optional
        Qt parent.
    """

    changed = Signal()

    def __init__(
        self, viewer: ViewerModel, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self.layer_combo = LayerCombo(viewer)
        self.layer_combo.setToolTip(_tooltips.LAYER)
        self.model_chooser = ModelChooser(preferences.model_folder)
        self.summary = wrapped_label()
        self.summary.setTextFormat(Qt.TextFormat.RichText)
        self.axes_edit = QLineEdit()
        self.axes_edit.setToolTip(_tooltips.AXES)
        self.axes_edit.setMaxLength(7)
        self.device_combo = QComboBox()
        self.device_combo.setToolTip(_tooltips.DEVICE)
        self.tile_spin = QSpinBox()
        self.tile_spin.setToolTip(_tooltips.TILE)
        self.tile_spin.setRange(0, 4096)
        self.tile_spin.setSingleStep(TILE_STEP)
        self.tile_spin.setSpecialValueText("Automatic")
        self.tile_spin.setSuffix(" pixels")
        self.normalise_combo = QComboBox()
        self.normalise_combo.setToolTip(_tooltips.NORMALISE)
        self.normalise_combo.addItem("Whole stack", "stack")
        self.normalise_combo.addItem("Each plane", "plane")
        self._lay_out()
        self.apply_preferences(preferences)
        self.tile_spin.editingFinished.connect(self._snap_tile)
        for signal in (
            self.layer_combo.layer_changed,
            self.model_chooser.model_changed,
            self.axes_edit.textChanged,
            self.device_combo.currentIndexChanged,
            self.tile_spin.valueChanged,
            self.normalise_combo.currentIndexChanged,
        ):
            signal.connect(self.changed)

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        set_out(form)
        form.addRow("Image", self.layer_combo)
        form.addRow("Model", self.model_chooser)
        form.addRow(self.summary)
        form.addRow("Axes", self.axes_edit)
        form.addRow("Device", self.device_combo)
        form.addRow("Tile size", self.tile_spin)
        form.addRow("Brightness", self.normalise_combo)
        explain_labels(
            form,
            (
                (self.layer_combo, _tooltips.LAYER),
                (self.model_chooser, _tooltips.MODEL),
                (self.axes_edit, _tooltips.AXES),
                (self.device_combo, _tooltips.DEVICE),
                (self.tile_spin, _tooltips.TILE),
                (self.normalise_combo, _tooltips.NORMALISE),
            ),
        )

    def apply_preferences(self, preferences: Preferences) -> None:
        """Set the fields that have a preference to it."""
        folder_changed = preferences.model_folder != self._preferences.model_folder
        self._preferences = preferences
        devices = available_devices()
        if preferences.device not in devices:
            devices.append(preferences.device)  # asked for: the core says why it is not there
        self.device_combo.clear()
        for device in devices:
            self.device_combo.addItem(TITLES.get(device, device), device)
        self.device_combo.setCurrentIndex(self.device_combo.findData(preferences.device))
        self.tile_spin.setValue(preferences.tile or 0)
        self._snap_tile()
        if folder_changed:
            self.model_chooser.set_folder(preferences.model_folder)

    def config(self) -> RestoreConfig:
        """Return the settings as the core takes them.

        Raises
        ------
        DGNOError
            If they do not fit together.
        """
        from dgno_core.inference import RestoreConfig

        return RestoreConfig(
            model=self.model_chooser.model(),
            axes=self.axes_edit.text().strip(),
            device=str(self.device_combo.currentData()),
            tile=self.tile_spin.value() or None,
            normalise=self.normalise_combo.currentData(),
            memory_share=self._preferences.memory_share,
            model_folder=self._preferences.model_folder,
        )

    def set_summary(self, text: str, name: str = "") -> None:
        """Show what the chosen model is for, after its full name."""
        title = f"<b>{escape(name)}</b><br>" if name else ""
        self.summary.setText(title + escape(text))
        self.summary.setVisible(bool(text))

    def _snap_tile(self) -> None:
        value = self.tile_spin.value()
        if value:
            snapped = max(round(value / TILE_STEP) * TILE_STEP, SMALLEST_TILE)
            self.tile_spin.setValue(snapped)
