"""Where panels go in the window, and that none is opened twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_dgno.shared.panel import open_panel
from support.train_panel import click, start, wait_for_end, wait_until

pytestmark = pytest.mark.gui

NAMES = ("Restore", "Train", "Inspect", "Detect")


def from_menu(viewer: Any, name: str, qtbot: Any) -> Any:
    """Open a panel as the Plugins menu does; return its dock."""
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command(f"napari-dgno.{name.lower()}")
    title = f"{name} (DGNO deblurring)"
    wait_until(qtbot, lambda: viewer.window.dock_widgets[title].isVisible())
    qtbot.wait(50)
    return viewer.window.dock_widgets[title].parent()


def tabs(dock: Any) -> set[str]:
    """Return the names of the docks with which one is tabbed."""
    return {other.objectName() for other in dock.parent().tabifiedDockWidgets(dock)}


def test_panels_from_the_menu_are_tabs_of_full_height(napari_window: Any, qtbot: Any) -> None:
    from qtpy.QtWidgets import QDockWidget

    window = napari_window.window._qt_window
    own = [dock for dock in window.findChildren(QDockWidget) if dock.isVisible()]
    before = [dock.height() for dock in own]
    first = from_menu(napari_window, "Restore", qtbot)
    height = first.height()
    docks = [first, *(from_menu(napari_window, name, qtbot) for name in NAMES[1:])]
    for dock in docks:
        assert len(tabs(dock)) == 3
        dock.raise_()
        wait_until(qtbot, lambda dock=dock: dock.x() > 0)  # Qt keeps tabs behind out of sight
        assert dock.height() > 0.9 * height
    assert [dock.height() for dock in own] == pytest.approx(before, abs=2)  # a rounded pixel


def test_the_newest_panel_is_in_front(napari_window: Any, qtbot: Any) -> None:
    for name in NAMES[:2]:
        dock = from_menu(napari_window, name, qtbot)
        wait_until(qtbot, lambda dock=dock: not dock.visibleRegion().isEmpty())


def test_an_open_panel_is_raised_and_never_opened_twice(napari_window: Any, qtbot: Any) -> None:
    dock = from_menu(napari_window, "Restore", qtbot)
    other = open_panel(napari_window, "Train")
    assert dock.visibleRegion().isEmpty()
    assert open_panel(napari_window, "Restore") is dock.widget()
    wait_until(qtbot, lambda: not dock.visibleRegion().isEmpty())
    dock.close()  # hidden, as its own button does it
    assert open_panel(napari_window, "Restore") is dock.widget()
    assert dock.isVisible()
    assert open_panel(napari_window, "Train") is other
    assert len(napari_window.window.dock_widgets) == 2


def test_the_menu_knows_a_panel_that_another_one_has_opened(napari_window: Any, qtbot: Any) -> None:
    panel = open_panel(napari_window, "Detect")
    panel.parent().close()
    assert from_menu(napari_window, "Detect", qtbot).widget() is panel


def test_floating_docks_are_left_alone(napari_window: Any, qtbot: Any) -> None:
    first = from_menu(napari_window, "Restore", qtbot)
    first.setFloating(True)
    second = from_menu(napari_window, "Train", qtbot)
    assert first.isFloating()
    assert (tabs(first), tabs(second)) == (set(), set())


def test_a_panel_that_the_user_has_moved_stays_there(napari_window: Any, qtbot: Any) -> None:
    from qtpy.QtCore import Qt

    first = from_menu(napari_window, "Restore", qtbot)
    second = from_menu(napari_window, "Train", qtbot)
    window = second.parent()
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, second, Qt.Orientation.Vertical)
    assert tabs(second) == set()
    second.close()
    qtbot.wait(50)
    second.show()
    qtbot.wait(50)
    assert (tabs(first), tabs(second)) == (set(), set())


def test_panels_of_other_plugins_are_joined_when_there_are_none_of_ours(
    napari_window: Any, qtbot: Any
) -> None:
    from qtpy.QtWidgets import QLabel

    label = QLabel("of another plugin")
    label.setMinimumHeight(500)
    strange = napari_window.window.add_dock_widget(label, name="other")
    qtbot.wait(50)
    dock = from_menu(napari_window, "Restore", qtbot)
    assert tabs(dock) == {"other"}
    assert dock.height() > 300
    assert tabs(from_menu(napari_window, "Train", qtbot)) == {"other", dock.objectName()}
    assert strange.isVisible()


def test_restore_with_it_uses_the_panel_of_the_menu(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    fake_training(steps=4, delay=0)
    napari_window.add_image(stack, name="cells")
    restore = from_menu(napari_window, "Restore", qtbot)
    panel = open_train()
    start(qtbot, panel)
    wait_for_end(qtbot, panel)
    click(qtbot, panel.view.restore_button)
    assert set(napari_window.window.dock_widgets.values()) == {restore.widget(), panel}
    wait_until(qtbot, lambda: not restore.visibleRegion().isEmpty())
    assert restore.widget().form.model_chooser.model() == "cells"
