"""What few trainings need: other numbers than those of the preset."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QSpinBox, QToolButton, QVBoxLayout, QWidget

from napari_dgno import _train_tooltips as tips
from napari_dgno._panel import explain_labels, set_out
from napari_dgno._train_setup import Wishes

#: Shares of the learning rate, and what the panel calls them.
RATES = {1.0: "Automatic", 0.3: "A third", 0.1: "A tenth"}
#: Crops have sides that are multiples of this, in pixels.
GRID = 32


class AdvancedForm(QWidget):
    """Fields that are out of sight until they are asked for; `wishes` reads them all.

    Parameters
    ----------
    parent : QWidget, optional
        Qt parent.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QToolButton()
        self.button.setText("Advanced")
        self.button.setToolTip(tips.ADVANCED)
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.steps_spin = _spin(10_000_000, 100, tips.STEPS)
        self.crop_spin = _spin(4096, GRID, tips.CROP, " pixels")
        self.batch_spin = _spin(1024, 1, tips.BATCH)
        self.rate_combo = QComboBox()
        self.rate_combo.setToolTip(tips.RATE)
        for share, title in RATES.items():
            self.rate_combo.addItem(title, share)
        self._fields = QWidget()
        self.form_layout = QFormLayout(self._fields)
        set_out(self.form_layout)
        rows = (
            ("Steps", self.steps_spin, tips.STEPS),
            ("Crop", self.crop_spin, tips.CROP),
            ("Crops a step", self.batch_spin, tips.BATCH),
            ("Learning rate", self.rate_combo, tips.RATE),
        )
        for title, field, _ in rows:
            self.form_layout.addRow(title, field)
        explain_labels(self.form_layout, [(field, tip) for _, field, tip in rows])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self._fields)
        self.button.toggled.connect(self._show)
        self._show(False)
        for spin in (self.steps_spin, self.crop_spin, self.batch_spin):
            spin.valueChanged.connect(self.changed)
        self.rate_combo.currentIndexChanged.connect(self.changed)

    def wishes(self) -> Wishes:
        """Return what was set; fields that are out of sight count all the same."""
        crop = self.crop_spin.value() // GRID * GRID
        return Wishes(
            steps=self.steps_spin.value() or None,
            batch=self.batch_spin.value() or None,
            crop=max(crop, GRID) if self.crop_spin.value() else None,
            rate=float(self.rate_combo.currentData()),
        )

    def _show(self, shown: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        self._fields.setVisible(shown)


def _spin(most: int, step: int, tip: str, suffix: str = "") -> QSpinBox:
    """Make a field for a number, of which 0 leaves the choice to the preset."""
    spin = QSpinBox()
    spin.setRange(0, most)
    spin.setSingleStep(step)
    spin.setSpecialValueText("As the preset")
    spin.setSuffix(suffix)
    spin.setKeyboardTracking(False)  # a number that is half typed is none
    spin.setToolTip(tip)
    return spin
