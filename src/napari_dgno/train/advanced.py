"""What few trainings need: other numbers than those of the preset."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSpinBox, QWidget

from dgno_core.training.runs.request import Wishes
from napari_dgno.shared.fold import Fold
from napari_dgno.train import tooltips as tips

#: Shares of the learning rate, and what the panel calls them.
RATES = {1.0: "Automatic", 0.3: "A third", 0.1: "A tenth"}
#: Crops have sides that are multiples of this, in pixels.
GRID = 32


class AdvancedForm(Fold):
    """Fields that are out of sight until they are asked for; `wishes` reads them all.

    Parameters
    ----------
    parent : QWidget, optional
        Qt parent.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tips.ADVANCED, parent)
        self.steps_spin = _spin(10_000_000, 100, tips.STEPS)
        self.crop_spin = _spin(4096, GRID, tips.CROP, " pixels")
        self.batch_spin = _spin(1024, 1, tips.BATCH)
        self.rate_combo = QComboBox()
        self.rate_combo.setToolTip(tips.RATE)
        for share, title in RATES.items():
            self.rate_combo.addItem(title, share)
        rows = (
            ("Steps", self.steps_spin, tips.STEPS),
            ("Crop", self.crop_spin, tips.CROP),
            ("Crops a step", self.batch_spin, tips.BATCH),
            ("Learning rate", self.rate_combo, tips.RATE),
        )
        for title, field, tip in rows:
            self.add_row(title, field, tip)
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
