"""Where panels go in napari's window: as a tab of what is docked there already, and never twice.

napari puts a new dock below the others of its side, where each gets a strip of the height.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_dgno._panel import Panel

PLUGIN = "napari-dgno"


def main_window(widget: QWidget) -> QMainWindow | None:
    """Return the window that a widget is docked in, or nothing."""
    place = widget.parent()
    while place is not None and not isinstance(place, QMainWindow):
        place = place.parent()
    return place


def open_panel(viewer: Viewer, name: str) -> Panel:
    """Show one of the panels; open it only if it is not open yet.

    Parameters
    ----------
    viewer : napari.Viewer
        In whose window.
    name : str
        As `napari.yaml` displays it, such as ``"Restore"``.

    Returns
    -------
    Panel
        Docked and in front.

    Raises
    ------
    KeyError
        If there is no such panel.
    """
    from napari.plugins import menu_item_template
    from npe2 import PluginManager

    manager = PluginManager.instance()
    kinds = {w.display_name: w for w in manager.iter_widgets() if w.plugin_name == PLUGIN}
    kind = kinds[name].get_callable()
    found = [panel for panel in viewer.window.dock_widgets.values() if isinstance(panel, kind)]
    if not found:
        # By the name under which the menu looks for it, or the menu would open another one.
        title = menu_item_template.format(manager.get_manifest(PLUGIN).display_name, name)
        found = [kind(viewer)]
        viewer.window.add_dock_widget(found[0], name=title)
    panel: Panel = found[0]
    dock = panel.parentWidget()
    dock.show()
    dock.raise_()
    return panel


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
