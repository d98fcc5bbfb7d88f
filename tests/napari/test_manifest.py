"""What the plugin tells napari about itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SAMPLES = [
    "Nuclei, blurred (grey)",
    "Stained tissue, blurred (colour)",
    "Focal stack, synthetic (z-stack)",
]


def test_manifest_uses_only_menus_that_napari_fills(manifest_path: Path) -> None:
    from napari._app_model.constants._menus import is_menu_contributable
    from npe2 import PluginManifest

    manifest = PluginManifest.from_file(manifest_path)
    assert manifest.contributions.menus
    assert all(is_menu_contributable(menu) for menu in manifest.contributions.menus)


def test_every_command_can_be_imported(manifest_path: Path) -> None:
    from npe2 import PluginManifest
    from npe2.manifest.utils import import_python_name

    manifest = PluginManifest.from_file(manifest_path)
    for command in manifest.contributions.commands or ():
        assert callable(import_python_name(command.python_name))


@pytest.mark.parametrize(
    "module", ["napari_dgno", "napari_dgno.shared.layers", "napari_dgno._reader"]
)
def test_import_brings_neither_torch_nor_qt(module: str) -> None:
    code = (
        f"import sys, {module}; "
        "print([m for m in ('torch', 'qtpy', 'PyQt6', 'PySide6') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.gui
def test_menu_entries_open_the_panels(napari_window: Any) -> None:
    window = napari_window.window
    window.layers_menu.aboutToShow.emit()
    entries = {
        action.text(): action
        for menu in (window.plugins_menu, window.layers_menu)
        for action in _actions(menu)
        if "DGNO deblurring" in action.text()
    }
    panels = sorted(
        f"{name} (DGNO deblurring)" for name in ("Restore", "Train", "Inspect", "Detect")
    )
    assert entries.pop("Restore with the usual settings (DGNO deblurring)")
    assert sorted(entries) == panels
    assert set(panels) <= {action.text() for action in _actions(window.plugins_menu)}
    submenus = {action.text(): action.menu() for action in window.plugins_menu.actions()}
    ours = submenus["DGNO deblurring"]
    assert {action.text() for action in _actions(ours)} == set(panels)  # as the pages say
    in_layers = {action.text() for action in _actions(window.layers_menu)}
    assert set(panels) - {"Train (DGNO deblurring)"} <= in_layers
    for title in panels:
        entries[title].trigger()
        assert title in window.dock_widgets


@pytest.mark.gui
def test_one_click_restores_the_selected_image_with_the_usual_settings(
    napari_window: Any,
    open_panel: Any,
    fake_core: Any,
    image: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: Any,
) -> None:
    panel = open_panel()
    napari_window.add_image(image, name="other")
    panel.form.model_chooser.set_model("dgno-face-small")
    panel.form.tile_spin.setValue(256)
    panel.form.normalise_combo.setCurrentIndex(1)
    napari_window.add_image(image, name="cells")
    panel.form.axes_edit.setText("TYX")
    entry = _entry(napari_window, "Restore with the usual settings (DGNO deblurring)")
    entry.trigger()
    assert panel.is_running
    told: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_warning", told.append)
    entry.trigger()  # says so, and does not begin another
    assert ["panel is busy" in message for message in told] == [True]
    qtbot.waitUntil(lambda: not panel.is_running, timeout=60_000)
    names = [layer.name for layer in napari_window.layers]
    assert names == ["other", "cells", "cells restored (fake)"]
    (config,) = fake_core.configs
    assert (config.model, config.axes, config.tile) == ("auto", "ZYX", None)
    assert config.normalise == "stack"


@pytest.mark.gui
def test_one_click_opens_the_panel_and_says_what_is_missing(
    napari_window: Any, notified: list[str]
) -> None:
    _entry(napari_window, "Restore with the usual settings (DGNO deblurring)").trigger()
    panel = napari_window.window.dock_widgets["Restore (DGNO deblurring)"]
    assert "There is no image to restore" in panel.display.messages.text()
    assert len(notified) == 1


@pytest.mark.gui
def test_samples_are_in_the_file_menu(napari_window: Any) -> None:
    titles = [action.text() for action in _actions(napari_window.window.file_menu)]
    ours = [title for title in titles if title in SAMPLES]
    assert ours == SAMPLES  # first what the packaged model is for


def _entry(viewer: Any, title: str) -> Any:
    """Return an entry of the menu Layers."""
    (entry,) = [a for a in _actions(viewer.window.layers_menu) if a.text() == title]
    return entry


def _actions(menu: Any) -> list[Any]:
    """Return the actions of a menu and of its submenus."""
    found = []
    menu.aboutToShow.emit()
    for action in menu.actions():
        found += _actions(action.menu()) if action.menu() else [action]
    return found
