"""The table of objects: sorted by a heading, and a way to each object in the view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QTableView

from napari_dgno import _detect_words as words
from napari_dgno._detect_objects import HEADINGS, cells

if TYPE_CHECKING:
    from dgno_core.detection.objects import FoundObject

HEIGHT = 220
#: Columns with values from 0 to 1.
SHARES = ("IoU", "Sure before", "Sure after")
SORT = int(Qt.ItemDataRole.UserRole)


class ObjectModel(QAbstractTableModel):
    """The objects as Qt sees them.

    Parameters
    ----------
    colours : dict
        Of each status.
    """

    def __init__(self, colours: dict[str, str]) -> None:
        super().__init__()
        self._colours = colours
        self.objects: list[FoundObject] = []

    def show(self, objects: Sequence[FoundObject]) -> None:
        """Show other objects."""
        self.beginResetModel()
        self.objects = list(objects)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the objects."""
        return 0 if parent is not None and parent.isValid() else len(self.objects)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Count the headings."""
        return len(HEADINGS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:
        """Return a heading."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[section]
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return a cell: as text, as a value to sort by, or the colour of its status."""
        item = self.objects[index.row()]
        value = cells(index.row() + 1, item)[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _written(value, HEADINGS[index.column()])
        if role == SORT:
            return -1.0 if isinstance(value, float) and math.isnan(value) else value
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 1:
            return QColor(self._colours.get(item.status, "#808080"))
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


def _written(value: float | str, heading: str) -> str:
    """Write a cell: pixels as whole numbers, IoU and certainty with two digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isnan(value):
        return "–"
    if isinstance(value, int):
        return str(value)
    return f"{value:.2f}" if heading in SHARES else f"{value:.0f}"


class ObjectTable(QTableView):
    """Shows the objects; `chosen` tells the number of the one that the user goes to.

    Parameters
    ----------
    colours : dict
        Of each status.
    """

    chosen = Signal(int)

    def __init__(self, colours: dict[str, str]) -> None:
        super().__init__()
        self.objects = ObjectModel(colours)
        self._sorted = QSortFilterProxyModel()
        self._sorted.setSourceModel(self.objects)
        self._sorted.setSortRole(SORT)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setToolTip(words.TABLE)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMinimumHeight(HEIGHT)
        self.setMinimumWidth(0)
        vertical, horizontal = self.verticalHeader(), self.horizontalHeader()
        if vertical is not None and horizontal is not None:
            vertical.hide()
            vertical.setDefaultSectionSize(22)
            horizontal.setHighlightSections(False)
        self.selectionModel().currentRowChanged.connect(self._on_row)

    def show_objects(self, objects: Sequence[FoundObject], *, stack: bool) -> None:
        """Show other objects; planes only where there are several."""
        self.objects.show(objects)
        self.setColumnHidden(HEADINGS.index("Plane"), not stack)
        self.resizeColumnsToContents()

    def _on_row(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self._sorted.mapToSource(current).row() + 1)
