"""The choice of the weights that a training starts from."""

from __future__ import annotations

from pathlib import Path

from dgno_core.training.runs.request import SCRATCH
from napari_dgno.shared.model_chooser import ModelChooser
from napari_dgno.train import tooltips as tips


class StartChooser(ModelChooser):
    """Packaged weights that fit the images, any other ones, or none.

    Parameters
    ----------
    folder : pathlib.Path or None
        The user's model folder.
    """

    def __init__(self, folder: Path | None) -> None:
        super().__init__(folder)
        self.combo.setToolTip(tips.START)

    def set_folder(self, folder: Path | None) -> None:
        """List the models anew; keep the choice if possible."""
        chosen = self.combo.currentData()
        super().set_folder(folder)
        self.combo.setItemText(0, "Packaged model")
        self.combo.insertItem(1, "From scratch", SCRATCH)
        if chosen == SCRATCH:
            self.combo.setCurrentIndex(1)
