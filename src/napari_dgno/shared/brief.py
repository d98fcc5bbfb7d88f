"""A text of which one line is enough most of the time."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_dgno.shared.progress import wrapped_label


class Brief(QWidget):
    """One line that is cut where the panel ends, and *More*, which shows all of the text.

    Parameters
    ----------
    tip : str
        Help text of the button.
    parent : QWidget, optional
        Qt parent.
    """

    def __init__(self, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ""
        self.line = QElidingLabel()
        self.line.setMinimumWidth(0)
        self.button = QToolButton()
        self.button.setToolTip(tip)
        self.button.setCheckable(True)
        self.whole = wrapped_label()
        row = QHBoxLayout()
        row.addWidget(self.line, 1)
        row.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.whole)
        self.button.toggled.connect(self._show)
        self._show()

    def set_text(self, text: str, title: str = "") -> None:
        """Show a text; one without a title in full, because it says what is wrong.

        Parameters
        ----------
        text : str
            Plain text of any length.
        title : str
            What begins the one line, and is all of it while the text is shown in full.
        """
        self._title = title
        self.whole.setText(text)
        self._show()

    def _show(self) -> None:
        text, more = self.whole.text(), self.button.isChecked()
        self.line.setText(self._title if more else f"{self._title}: {text}")
        self.button.setText("Less" if more else "More")
        for widget in (self.line, self.button):
            widget.setVisible(bool(self._title))
        self.whole.setVisible(bool(text) and (more or not self._title))
        self.setVisible(bool(text))
