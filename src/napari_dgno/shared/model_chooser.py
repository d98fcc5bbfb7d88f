"""The choice of a model, with what its card says."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QToolButton, QWidget

from dgno_core.errors import DGNOError
from napari_dgno.shared import tooltips
from napari_dgno.shared.elided_combo import ElidedCombo
from napari_dgno.shared.models import AUTOMATIC, check_file, model_choices, offered_as


class ModelChooser(QWidget):
    """Automatic, the packaged models, those in the user's folder, and a button for any file.

    Parameters
    ----------
    folder : pathlib.Path or None
        The user's model folder.
    parent : QWidget, optional
        Qt parent.
    first : (str, str)
        Title and value of what stands first in the list.
    """

    model_changed = Signal()
    failed = Signal(str)

    def __init__(
        self,
        folder: Path | None,
        parent: QWidget | None = None,
        *,
        first: tuple[str, str] = ("Automatic", AUTOMATIC),
    ) -> None:
        super().__init__(parent)
        self._first = first
        self._files: list[str] = []
        self.combo = ElidedCombo()
        self.combo.setToolTip(tooltips.MODEL)
        self.browse_button = QToolButton()
        self.browse_button.setText("…")
        self.browse_button.setToolTip(tooltips.BROWSE_MODEL)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.combo, 1)
        layout.addWidget(self.browse_button)
        self.combo.currentIndexChanged.connect(self.model_changed)
        self.browse_button.clicked.connect(self.browse)
        self.set_folder(folder)

    def model(self) -> str:
        """Return the model's name, ``"auto"``, or the path of a file."""
        return str(self.combo.currentData())

    def set_model(self, model: str) -> None:
        """Choose a model by name; a path to a model file is added to the list.

        Raises
        ------
        DGNOError
            If there is neither such a name nor a readable model file.
        """
        index = self.combo.findData(model)
        if index < 0:
            model = check_file(Path(model).expanduser())
            self._files.append(model)
            self._add(offered_as(model, None), model)
            index = self.combo.count() - 1
        self.combo.setCurrentIndex(index)

    def set_folder(self, folder: Path | None) -> None:
        """List the models of a folder besides the packaged ones; keep the choice if possible."""
        chosen = self.combo.currentData()
        self.combo.blockSignals(True)
        self.combo.clear()
        self._add(*self._first)
        try:
            names = model_choices(folder)
        except (DGNOError, OSError) as error:
            names = []
            self.failed.emit(str(error))
        for model in [*names, *self._files]:
            self._add(offered_as(model, folder), model)
        self.combo.setCurrentIndex(max(self.combo.findData(chosen), 0))
        self.combo.blockSignals(False)
        self.model_changed.emit()

    def browse(self) -> None:
        """Ask for a model file."""
        path, _ = QFileDialog.getOpenFileName(
            self, "Choose a model file", "", "Models (*.safetensors)"
        )
        if not path:
            return
        try:
            self.set_model(path)
        except DGNOError as error:
            self.failed.emit(str(error))

    def _add(self, title: str, model: str) -> None:
        self.combo.addItem(title, model)
        self.combo.setItemData(self.combo.count() - 1, model, int(Qt.ItemDataRole.ToolTipRole))
