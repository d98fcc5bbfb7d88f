"""Where panels go in napari's window: as a tab of what is docked there already, and never twice.

napari puts a new dock below the others of its side, where each gets a strip of the height.
"""

from __future__ import annotations

from collections.abc import Iterator

from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget


def main_window(widget: QWidget) -> QMainWindow | None:
    """Return the window that a widget is docked in, or nothing."""
    place = widget.parent()
    while place is not None and not isinstance(place, QMainWindow):
        place = place.parent()
    return place


def join_tabs(widget: QWidget, kind: type[QWidget]) -> None:
    """Make a dock that is new in its window a tab of another one on the same side, in front.

    Floating docks and those of napari itself stay as they are.

    Parameters
    ----------
    widget : QWidget
        What the dock holds.
    kind : type
        The widgets whose docks are joined by preference; those of other plugins come second.
    """
    window, dock = main_window(widget), widget.parentWidget()
    if window is None or not isinstance(dock, QDockWidget) or dock.isFloating():
        return
    area = window.dockWidgetArea(dock)
    others = [
        other
        for other in _plugin_docks(window)
        if other is not dock
        and other.isVisible()
        and not other.isFloating()
        and window.dockWidgetArea(other) == area
    ]
    if others:
        ours = [other for other in others if isinstance(other.widget(), kind)]
        window.tabifyDockWidget((ours or others)[-1], dock)
        dock.raise_()


def _plugin_docks(window: QMainWindow) -> Iterator[QDockWidget]:
    """Yield the docks that napari's users have opened, in that order; none of its own."""
    from napari.qt import QtViewer

    found = window.findChild(QtViewer)
    if found is None:
        return
    for inner in found.viewer.window.dock_widgets.values():
        dock = getattr(inner, "native", inner).parent()  # magicgui's widgets are no Qt ones
        if isinstance(dock, QDockWidget):
            yield dock
