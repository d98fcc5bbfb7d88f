"""A vertical scroll area for a panel with texts that wrap."""

from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QLabel, QScrollArea, QWidget


class VerticalScroll(QScrollArea):
    """Scrolls when the window is too low, and gives every wrapped text the height that it needs.

    Qt's own scroll area asks for the smallest height at any width, and so cuts texts off that
    need more lines in a narrow dock.

    Parameters
    ----------
    content : QWidget
        What to show; its layout must be set.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content = content
        self._fitted: dict[QLabel, tuple[str, int, str, str]] = {}
        self._watched: set[QObject | None] = {content}
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for label in content.findChildren(QLabel):
            if label.wordWrap():
                label.installEventFilter(self)
                # A text that became shorter is told to the widget around it, and no further.
                self._watched.add(label.parentWidget())
        for widget in self._watched:
            if widget is not None:
                widget.installEventFilter(self)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the content to a new width."""
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Fit the content when a text of it has changed, or has got another width."""
        if watched in self._watched:
            if event is not None and event.type() == QEvent.Type.LayoutRequest:
                self._fit()
        elif isinstance(event, QResizeEvent) and event.size().width() != event.oldSize().width():
            # Not at once: the layout that gives it its width has not finished.
            QTimer.singleShot(0, self._fit)
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        if not isalive(self):
            return  # closed before it was shown
        # Not once and for all: napari's theme, which comes later, makes the content wider.
        bar = self.verticalScrollBar()
        beside = bar.sizeHint().width() if bar is not None else 0  # it would cover the fields
        self.setMinimumWidth(self._content.minimumSizeHint().width() + beside)
        for label in self._content.findChildren(QLabel):
            if label.wordWrap():
                self._fit_label(label)
        layout = self._content.layout()
        if layout is not None:
            needed = layout.totalHeightForWidth(self.viewport().width())
            self._content.setMinimumHeight(max(needed, 0))

    def _fit_label(self, label: QLabel) -> None:
        """Give a text its height: a form's own row would be one line short of a long one."""
        state = (label.text(), label.width(), label.font().toString(), label.styleSheet())
        if self._fitted.get(label) == state:
            return  # or each fit would ask for the next one
        self._fitted[label] = state
        label.setMinimumHeight(0)  # it counts as needed otherwise
        label.setMinimumHeight(max(label.heightForWidth(label.width()), 0))
