"""Fields that are out of sight until they are asked for."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QToolButton, QVBoxLayout, QWidget

from napari_dgno.shared.panel import explain_labels, set_out


class Fold(QWidget):
    """A button *Advanced* with an arrow, and under it the fields that it shows; closed at first.

    Parameters
    ----------
    tip : str
        Help text of the button.
    parent : QWidget, optional
        Qt parent.
    """

    def __init__(self, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QToolButton()
        self.button.setText("Advanced")
        self.button.setToolTip(tip)
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._fields = QWidget()
        self.form_layout = QFormLayout(self._fields)
        set_out(self.form_layout)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self._fields)
        self.button.toggled.connect(self._show)
        self._show(False)

    def add_row(self, title: str, field: QWidget, tip: str) -> None:
        """Add a field, whose title has the same help text."""
        self.form_layout.addRow(title, field)
        explain_labels(self.form_layout, [(field, tip)])

    def _show(self, shown: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        self._fields.setVisible(shown)
