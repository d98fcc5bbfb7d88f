"""Preferences: kept by napari, shown in its dialog, followed by the panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from napari_dgno.shared.settings import Preferences, preference_model, read_preferences


def test_defaults_are_those_of_the_manifest(plugin: Any) -> None:
    assert read_preferences() == Preferences()


def test_without_the_plugin_the_defaults_hold(npe2pm: Any, plugin_settings: None) -> None:
    assert preference_model() is None
    assert read_preferences() == Preferences()


def test_values_are_read(plugin: Any, tmp_path: Path) -> None:
    model = preference_model()
    model.device = "cpu"
    model.tile = 256
    model.model_folder = str(tmp_path)
    model.memory_share = 0.25
    assert read_preferences() == Preferences("cpu", 256, tmp_path, 0.25)
    with pytest.raises(ValueError, match="device"):
        model.device = "toaster"


@pytest.mark.gui
def test_panel_starts_with_and_follows_preferences(
    napari_window: Any, open_panel: Any, tmp_path: Path, image: Any
) -> None:
    preference_model().tile = 256
    napari_window.add_image(image)
    panel = open_panel()
    assert panel.form.config().tile == 256
    preference_model().tile = 128
    preference_model().device = "cpu"
    preference_model().memory_share = 0.3
    config = panel.form.config()
    assert (config.tile, config.device, config.memory_share) == (128, "cpu", 0.3)


@pytest.mark.gui
def test_preferences_have_a_page_in_the_dialog(napari_window: Any, qtbot: Any) -> None:
    from qtpy.QtWidgets import QComboBox, QLabel

    dialog = napari_window.window._open_preferences_dialog()
    try:
        titles = [dialog._list.item(row).text() for row in range(dialog._list.count())]
        assert "DGNO deblurring" in titles
        page = dialog._stack.widget(titles.index("DGNO deblurring"))
        labels = [label.text() for label in page.findChildren(QLabel)]
        assert any("Device" in label for label in labels)
        assert any("Share of memory" in label for label in labels)
        combo = next(c for c in page.findChildren(QComboBox) if c.findText("mps") >= 0)
        combo.setCurrentText("cpu")
        assert read_preferences().device == "cpu"
    finally:
        dialog.close()


@pytest.mark.gui
def test_the_folder_of_models_is_chosen_in_the_panel(
    napari_window: Any, open_panel: Any, image: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qtpy.QtWidgets import QFileDialog

    napari_window.add_image(image)
    panel = open_panel()
    panel.form.tile_spin.setValue(256)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    panel.form.folder_edit.button.click()
    assert read_preferences().model_folder == tmp_path
    assert panel.form.config().model_folder == tmp_path
    assert panel.form.config().tile == 256  # what was set stays
    panel.form.folder_edit.edit.clear()
    panel.form.folder_edit.edit.editingFinished.emit()
    assert read_preferences().model_folder is None
