"""The choice of a StarDist model: packaged, by name, or from a folder."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QToolButton, QWidget

from dgno_core.errors import DGNOError
from napari_dgno.detect import words

TITLES = {"stardist-nuclei-small": "Packaged: nuclei"}


class DetectorChooser(QWidget):
    """The names that the core knows, and a button for a folder."""

    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        from dgno_core.detection.models import detector_names

        self.combo = QComboBox()
        self.combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.combo.setMinimumContentsLength(10)
        for name in detector_names():
            self._add(TITLES.get(name, name), name)
        self.browse_button = QToolButton()
        self.browse_button.setText("…")
        self.browse_button.setToolTip(words.FOLDER)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.combo, 1)
        layout.addWidget(self.browse_button)
        self.browse_button.clicked.connect(self.browse)

    def detector(self) -> str:
        """Return a name, or the path of a folder."""
        return str(self.combo.currentData())

    def set_detector(self, detector: str) -> None:
        """Choose a model by name; a folder is added to the list.

        Raises
        ------
        DGNOError
            If there is neither such a name nor a folder with a StarDist model.
        """
        index = self.combo.findData(detector)
        if index < 0:
            folder = Path(detector).expanduser()
            if not (folder / "config.json").is_file():
                raise DGNOError(
                    f"The folder {folder} holds no StarDist model: choose the one with config.json "
                    "and the weights (.h5) in it."
                )
            self._add(folder.name, str(folder))
            index = self.combo.count() - 1
        self.combo.setCurrentIndex(index)

    def browse(self) -> None:
        """Ask for a folder."""
        folder = QFileDialog.getExistingDirectory(self, "Choose the folder of a StarDist model")
        if not folder:
            return
        try:
            self.set_detector(folder)
        except DGNOError as error:
            self.failed.emit(str(error))

    def _add(self, title: str, detector: str) -> None:
        self.combo.addItem(title, detector)
        self.combo.setItemData(self.combo.count() - 1, detector, int(Qt.ItemDataRole.ToolTipRole))
