"""What a new training needs: images, a start, a preset, a name and a place."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from dgno_core.training.runs.pace import Timed
from dgno_core.training.runs.presets import PRESETS, count_steps
from dgno_core.training.runs.request import Request, free_name, slug
from napari_dgno.shared.devices import TITLES, available_devices
from napari_dgno.shared.panel import explain_labels, set_out
from napari_dgno.shared.path_edit import FolderEdit
from napari_dgno.shared.progress import wrapped_label
from napari_dgno.train import tooltips as tips
from napari_dgno.train.advanced import AdvancedForm
from napari_dgno.train.choice import ChoiceForm
from napari_dgno.train.start_chooser import StartChooser
from napari_dgno.train.words import in_numbers, in_time

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_dgno.shared.settings import Preferences

SHOW_PAIRS = "Show pairs"


class TrainForm(QWidget):
    """Fields for one training; `request` reads them all.

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
        self._named_by_user = self._last_named_by_user = False
        self._timed: Timed | None = None
        self.images = ChoiceForm(viewer)
        self.start_chooser = StartChooser(preferences.model_folder)
        self.preset_combo = QComboBox()
        self.preset_combo.setToolTip(tips.PRESET)
        for key, preset in PRESETS.items():
            self.preset_combo.addItem(preset.title, key)
        self.preset_label = wrapped_label()
        self.preset_label.setTextFormat(Qt.TextFormat.RichText)
        self.name_edit = QLineEdit()
        self.name_edit.setToolTip(tips.NAME)
        self.runs_edit = FolderEdit("Choose the folder of runs", tips.RUNS)
        self.device_combo = QComboBox()
        self.device_combo.setToolTip(tips.DEVICE)
        self.advanced = AdvancedForm()
        self.pairs_button = QPushButton(SHOW_PAIRS)
        self.pairs_button.setToolTip(tips.PAIRS)
        self.train_button = QPushButton("Train")
        self.train_button.setToolTip(tips.TRAIN)
        self.train_button.setStyleSheet("font-weight: bold;")
        self._lay_out()
        self.apply_preferences(preferences)
        self.images.changed.connect(self._on_images)
        self.runs_edit.changed.connect(self._suggest_name)
        for signal in (
            self.start_chooser.model_changed,
            self.preset_combo.currentIndexChanged,
            self.device_combo.currentIndexChanged,
            self.advanced.changed,
        ):
            signal.connect(self.changed)
        self.name_edit.textEdited.connect(self._on_named)
        self.name_edit.editingFinished.connect(self._tidy_name)
        self.show_pace(None)
        self._suggest_name()

    def _lay_out(self) -> None:
        form = QFormLayout()
        set_out(form)
        form.addRow("Start from", self.start_chooser)
        form.addRow("Preset", self.preset_combo)
        form.addRow(self.preset_label)
        form.addRow("Name", self.name_edit)
        form.addRow("Runs folder", self.runs_edit)
        form.addRow("Device", self.device_combo)
        explain_labels(
            form,
            (
                (self.start_chooser, tips.START),
                (self.preset_combo, tips.PRESET),
                (self.name_edit, tips.NAME),
                (self.runs_edit, tips.RUNS),
                (self.device_combo, tips.DEVICE),
            ),
        )
        buttons = QHBoxLayout()
        buttons.addWidget(self.pairs_button)
        buttons.addWidget(self.train_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.images)
        layout.addSpacing(8)
        layout.addLayout(form)
        layout.addWidget(self.advanced)
        layout.addSpacing(4)
        layout.addLayout(buttons)
        self._form = form

    def layouts(self) -> tuple[QFormLayout, ...]:
        """Return the parts of the form."""
        return self.images.form_layout, self._form, self.advanced.form_layout

    def apply_preferences(self, preferences: Preferences) -> None:
        """Set the fields that have a preference to it."""
        folder_changed = preferences.model_folder != self._preferences.model_folder
        self._preferences = preferences
        devices = available_devices()
        if preferences.device not in devices:
            devices.append(preferences.device)
        self.device_combo.clear()
        for device in devices:
            self.device_combo.addItem(TITLES.get(device, device), device)
        self.device_combo.setCurrentIndex(self.device_combo.findData(preferences.device))
        self.runs_edit.set_path(preferences.runs_folder)
        if folder_changed:
            self.start_chooser.set_folder(preferences.model_folder)

    def request(self, *, tidy: bool = True) -> Request:
        """Return everything that was chosen.

        Parameters
        ----------
        tidy : bool
            Correct the name first, which may be half typed.

        Raises
        ------
        DGNOError
            If something is missing.
        """
        if tidy:
            self._tidy_name()
        return Request(
            choice=self.images.choice(),
            start=self.start_chooser.model(),
            preset=str(self.preset_combo.currentData()),
            name=self.name_edit.text(),
            runs=self.runs_folder(),
            device=str(self.device_combo.currentData()),
            threads=self._preferences.threads,
            model_folder=self._preferences.model_folder,
            wishes=self.advanced.wishes(),
            pace=None if self._timed is None else self._timed.pace,
        )

    def show_pace(self, timed: Timed | None, note: str = "") -> None:
        """Show what the preset is in numbers, and how long it takes.

        Parameters
        ----------
        timed : Timed or None
            How long a step takes, if that is known.
        note : str
            Why it is not known, or not well; then it is shown only, and not planned with.
        """
        self._timed = None if note else timed
        preset, wishes = PRESETS[str(self.preset_combo.currentData())], self.advanced.wishes()
        batch, crop = wishes.batch or preset.batch, wishes.crop or preset.crop
        steps = wishes.steps if preset.minutes is not None else wishes.steps or preset.steps
        time = ""
        if timed is not None:
            batch, crop = timed.batch, timed.crop
            steps = count_steps(preset, timed.pace, wishes.steps)
            time = f": {in_time(steps, timed.pace)}"
        parts = [preset.text, f"{in_numbers(steps, batch, crop)}{time}.", note]
        self.preset_label.setText("<br>".join(escape(part) for part in parts if part))

    def runs_folder(self) -> Path:
        """Return the folder of runs, the preferred one if the field is empty."""
        path = self.runs_edit.path()
        return path if path != Path() else self._preferences.runs_folder

    def suggest_next_name(self) -> None:
        """Suggest a name again, after the present one was used."""
        self._last_named_by_user, self._named_by_user = self._named_by_user, False
        self._suggest_name()

    def take_name_back(self, name: str) -> None:
        """Show the name that was used last again, unless another one was entered since."""
        if not self._named_by_user:
            self._named_by_user = self._last_named_by_user
            self.name_edit.setText(name)

    def _on_images(self) -> None:
        self._suggest_name()
        self.changed.emit()

    def _on_named(self, text: str) -> None:
        self._named_by_user = bool(text)

    def _suggest_name(self) -> None:
        if not self._named_by_user:
            title = self.images.title()
            name = free_name(title, self.runs_folder(), self._preferences.model_folder)
            self.name_edit.setText(name)

    def _tidy_name(self) -> None:
        tidy = slug(self.name_edit.text())
        if tidy != self.name_edit.text():
            self.name_edit.setText(tidy)


def align_labels(*forms: QFormLayout) -> None:
    """Let the fields of several forms begin in one line, hidden rows included."""
    labels = [
        item.widget()
        for form in forms
        for row in range(form.rowCount())
        if (item := form.itemAt(row, QFormLayout.ItemRole.LabelRole)) is not None
        and item.widget() is not None
    ]
    for label in labels:
        label.ensurePolished()
    width = max(label.sizeHint().width() for label in labels)
    for label in labels:
        label.setMinimumWidth(width)
