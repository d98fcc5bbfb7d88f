"""What the panels have in common as dock widgets of napari."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QFormLayout, QLayout, QWidget

from napari_dgno.shared.canvas_context import CanvasContext
from napari_dgno.shared.docking import join_tabs

if TYPE_CHECKING:
    from napari.viewer import Viewer

PLUGIN = "napari-dgno"


class Panel(QWidget):
    """A dock widget that notices when it is shown and when it is closed."""

    _is_placed = False

    def shut_down(self) -> None:
        """Listen to nothing any longer; must be safe to call twice."""

    def event(self, event: QEvent | None) -> bool:
        """Notice being taken out of the window: napari's × only unparents the panel."""
        if event is not None and event.type() == QEvent.Type.Show:
            CanvasContext.keep(self)
            self._place()
        taken_out = event is not None and event.type() == QEvent.Type.ParentChange
        if taken_out and self.parent() is None:
            self.shut_down()
        return super().event(event)

    def _place(self) -> None:
        """Become a tab of what is docked already; later the user may have moved it."""
        if not self._is_placed:
            self._is_placed = True
            join_tabs(self, Panel)


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


def set_out(form: QFormLayout) -> None:
    """Let a form begin at the panel's edges, with labels on the left and wide fields."""
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


def explain_labels(form: QFormLayout, tips: Iterable[tuple[QWidget | QLayout, str]]) -> None:
    """Give the labels of fields the tips of these."""
    for widget, tip in tips:
        label = form.labelForField(widget)
        if label is not None:
            label.setToolTip(tip)
