"""A field for a folder, with a button to choose it."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QToolButton, QWidget

from napari_dgno.shared import tooltips


class FolderEdit(QWidget):
    """A line for the path of a folder, and a button that asks for one.

    Parameters
    ----------
    title : str
        Of the dialog.
    tip : str
        Help text.
    parent : QWidget, optional
        Qt parent.
    """

    changed = Signal()
    #: As `changed`, but only once the user has finished typing or has chosen in the dialog.
    settled = Signal()

    def __init__(self, title: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.edit = QLineEdit()
        self.edit.setPlaceholderText("no folder chosen yet")
        self.edit.setToolTip(tip)
        self.button = QToolButton()
        self.button.setText("…")
        self.button.setToolTip(tooltips.BROWSE_FOLDER)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.edit, 1)
        layout.addWidget(self.button)
        self.edit.textChanged.connect(self._on_text)
        self.edit.editingFinished.connect(self.settled)
        self.button.clicked.connect(self.browse)

    def path(self) -> Path:
        """Return the folder; the empty path if there is none."""
        text = self.edit.text().strip()
        return Path(text).expanduser() if text else Path()

    def set_path(self, path: Path) -> None:
        """Show a folder, the user's own as ``~``."""
        try:
            text = str(Path("~") / path.relative_to(Path.home()))
        except ValueError:
            text = str(path)
        self.edit.setText(text)
        self.edit.setCursorPosition(0)

    def browse(self) -> None:
        """Ask for a folder."""
        start = self.path()
        found = QFileDialog.getExistingDirectory(
            self, self._title, str(start) if start.is_dir() else ""
        )
        if found:
            self.set_path(Path(found))
            self.settled.emit()

    def _on_text(self, text: str) -> None:
        self.changed.emit()
