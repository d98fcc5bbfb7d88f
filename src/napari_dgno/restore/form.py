"""The upper half of the panel: which image, which model, and how."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_dgno.restore import tooltips as tips
from napari_dgno.shared import tooltips
from napari_dgno.shared.brief import Brief
from napari_dgno.shared.devices import TITLES, available_devices
from napari_dgno.shared.fold import Fold
from napari_dgno.shared.layer_combo import image_combo
from napari_dgno.shared.model_chooser import ModelChooser
from napari_dgno.shared.models import AUTOMATIC
from napari_dgno.shared.panel import explain_labels, set_out
from napari_dgno.shared.path_edit import FolderEdit
from napari_dgno.shared.progress import as_notes, show_message, wrapped_label
from napari_dgno.shared.settings import keep_model_folder

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from dgno_core.inference import RestoreConfig
    from napari_dgno.shared.settings import Preferences

#: Tiles start on multiples of this many pixels, so their size is one as well. A model with a
#: coarser grid says so when it is run; its file is not read for each turn of the wheel.
TILE_STEP = 32
SMALLEST_TILE = 64
#: What the letters of the axes stand for.
AXES = {
    "T": "time",
    "P": "position",
    "C": "channel",
    "Z": "depth",
    "Y": "rows",
    "X": "columns",
    "S": "colours",
}


def axes_in_words(axes: str) -> str:
    """Say what the letters that are known mean: "depth, rows, columns" for ``ZYX``."""
    return ", ".join(AXES[letter] for letter in axes.upper() if letter in AXES)


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
        self._viewer = viewer
        self._preferences = preferences
        self.layer_combo = image_combo(viewer)
        self.layer_combo.setToolTip(tips.LAYER)
        self.model_chooser = ModelChooser(preferences.model_folder)
        self.summary = Brief(tips.MORE)
        self.notes = wrapped_label()
        self.notes.hide()
        self.axes_edit = QLineEdit()
        self.axes_edit.setToolTip(tips.AXES)
        self.axes_edit.setMaxLength(len(AXES))
        self.axes_edit.setPlaceholderText("as ZYX")
        self.axes_words = QElidingLabel()
        self.axes_words.setToolTip(tips.AXES)
        self.device_combo = QComboBox()
        self.device_combo.setToolTip(tips.DEVICE)
        self.tile_spin = QSpinBox()
        self.tile_spin.setToolTip(tips.TILE)
        self.tile_spin.setRange(0, 4096)
        self.tile_spin.setSingleStep(TILE_STEP)
        self.tile_spin.setSpecialValueText("Automatic")
        self.tile_spin.setSuffix(" pixels")
        self.normalise_combo = QComboBox()
        self.normalise_combo.setToolTip(tips.NORMALISE)
        self.normalise_combo.addItem("Whole stack", "stack")
        self.normalise_combo.addItem("Each plane", "plane")
        self.nonfinite_combo = QComboBox()
        self.nonfinite_combo.setToolTip(tips.NONFINITE)
        self.nonfinite_combo.addItem("Refuse the image", "refuse")
        self.nonfinite_combo.addItem("Keep as they are", "keep")
        self.folder_edit = FolderEdit("The folder of your models", tips.MODEL_FOLDER)
        self.folder_edit.edit.setPlaceholderText("none")
        self.advanced = Fold(tips.ADVANCED)
        self._lay_out()
        self._show_device()
        self._show_tile()
        self._show_folder()
        self.folder_edit.settled.connect(self._keep_folder)
        self.axes_edit.textChanged.connect(
            lambda text: self.axes_words.setText(axes_in_words(text))
        )
        self.tile_spin.editingFinished.connect(self._snap_tile)
        for signal in (
            self.layer_combo.layer_changed,
            self.model_chooser.model_changed,
            self.axes_edit.textChanged,
            self.device_combo.currentIndexChanged,
            self.tile_spin.valueChanged,
            self.normalise_combo.currentIndexChanged,
            self.nonfinite_combo.currentIndexChanged,
        ):
            signal.connect(self.changed)

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        set_out(form)
        form.addRow("Image", self.layer_combo)
        form.addRow("Model", self.model_chooser)
        form.addRow(self.summary)
        axes = QVBoxLayout()
        axes.addWidget(self.axes_edit)
        axes.addWidget(self.axes_words)
        form.addRow("Axes", axes)
        form.addRow(self.notes)
        form.addRow(self.advanced)
        explain_labels(
            form,
            (
                (self.layer_combo, tips.LAYER),
                (self.model_chooser, tooltips.MODEL),
                (axes, tips.AXES),
            ),
        )
        self.advanced.add_row("Device", self.device_combo, tips.DEVICE)
        self.advanced.add_row("Tile size", self.tile_spin, tips.TILE)
        self.advanced.add_row("Brightness", self.normalise_combo, tips.NORMALISE)
        self.advanced.add_row("NaN pixels", self.nonfinite_combo, tips.NONFINITE)
        self.advanced.add_row("Your models", self.folder_edit, tips.MODEL_FOLDER)

    def reset(self) -> None:
        """Set all fields but image and axes to what they were at first, or the preferences say."""
        self.model_chooser.set_model(AUTOMATIC)
        self.normalise_combo.setCurrentIndex(0)
        self.nonfinite_combo.setCurrentIndex(0)
        self._show_device()
        self._show_tile()

    def apply_preferences(self, preferences: Preferences) -> None:
        """Set the fields whose preference has changed to it; the others stay as they are."""
        old, self._preferences = self._preferences, preferences
        if preferences.device != old.device:
            self._show_device()
        if preferences.tile != old.tile:
            self._show_tile()
        if preferences.model_folder != old.model_folder:
            self._show_folder()
            self.model_chooser.set_folder(preferences.model_folder)

    def _show_device(self) -> None:
        devices, device = available_devices(), self._preferences.device
        if device not in devices:
            devices.append(device)  # asked for: the core says why it is not there
        self.device_combo.clear()
        for each in devices:
            self.device_combo.addItem(TITLES.get(each, each), each)
        self.device_combo.setCurrentIndex(self.device_combo.findData(device))

    def _show_tile(self) -> None:
        self.tile_spin.setValue(self._preferences.tile or 0)
        self._snap_tile()

    def _show_folder(self) -> None:
        folder = self._preferences.model_folder
        if folder is None:
            self.folder_edit.edit.clear()
        else:
            self.folder_edit.set_path(folder)

    def _keep_folder(self) -> None:
        """Offer the models of the chosen folder, from now on."""
        text = self.folder_edit.edit.text().strip()
        folder = self.folder_edit.path() if text else None
        if folder != self._preferences.model_folder and not keep_model_folder(text):
            self.apply_preferences(replace(self._preferences, model_folder=folder))

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
            nonfinite=self.nonfinite_combo.currentData(),
            memory_share=self._preferences.memory_share,
            model_folder=self._preferences.model_folder,
        )

    def set_summary(self, text: str, name: str = "", notes: Iterable[str] = ()) -> None:
        """Show what the chosen model is for, after its full name, and what to know before.

        Parameters
        ----------
        text : str
            What the model is for; why there is none, if the name is empty.
        name : str
            Of the model.
        notes : iterable of str
            What makes it doubtful that model, axes and image fit.
        """
        self.summary.set_text(text, name)
        show_message(self.notes, as_notes(notes), "warning", self._viewer.theme)

    def _snap_tile(self) -> None:
        value = self.tile_spin.value()
        if value:
            snapped = max(round(value / TILE_STEP) * TILE_STEP, SMALLEST_TILE)
            self.tile_spin.setValue(snapped)
