"""The table of objects: sorted by a heading, and a way to each object in the view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QTableView

from dgno_core.detection.objects import COLUMNS
from napari_dgno.detect import words

if TYPE_CHECKING:
    from dgno_core.detection.objects import FoundObject

HEIGHT = 220
STATUS, PLANE = (
    next(i for i, column in enumerate(COLUMNS) if column.name == name)
    for name in ("status", "plane")
)
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
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:
        """Return a heading."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].title
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return a cell: as text, as a value to sort by, or the colour of its status."""
        item, column = self.objects[index.row()], COLUMNS[index.column()]
        value = column.value(index.row() + 1, item)
        if role == Qt.ItemDataRole.DisplayRole:
            return _written(value, column.digits)
        if role == SORT:
            return -1.0 if isinstance(value, float) and math.isnan(value) else value
        if role == Qt.ItemDataRole.DecorationRole and index.column() == STATUS:
            return QColor(self._colours.get(item.status, "#808080"))
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


def _written(value: float | str, digits: int) -> str:
    """Write a cell; a dash where there is nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isnan(value):
        return "–"
    if isinstance(value, int):
        return str(value)
    return f"{value:.{digits}f}"


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
        self.setColumnHidden(PLANE, not stack)
        self.resizeColumnsToContents()

    def _on_row(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self._sorted.mapToSource(current).row() + 1)
