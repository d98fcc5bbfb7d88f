"""What the plugin tells napari about itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

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
def test_samples_are_in_the_file_menu(napari_window: Any) -> None:
    titles = [action.text() for action in _actions(napari_window.window.file_menu)]
    ours = [title for title in titles if title in SAMPLES]
    assert ours == SAMPLES  # first what the packaged model is for


def _actions(menu: Any) -> list[Any]:
    """Return the actions of a menu and of its submenus."""
    found = []
    menu.aboutToShow.emit()
    for action in menu.actions():
        found += _actions(action.menu()) if action.menu() else [action]
    return found
