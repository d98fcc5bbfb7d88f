"""Runs are renamed and deleted, after a question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.train_panel import click, start, text, wait_for_end

pytestmark = pytest.mark.gui


@pytest.fixture
def finished(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> Any:
    """Return a panel that shows a finished run called cells."""
    fake_training(steps=4, delay=0)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    wait_for_end(qtbot, panel)
    return panel


def answer(monkeypatch: pytest.MonkeyPatch, button: str, *, with_model: bool = False) -> list[str]:
    """Answer the next question by a button; return what it asks."""
    from qtpy.QtWidgets import QMessageBox

    asked: list[str] = []

    def reply(box: Any) -> int:
        asked.append(box.text())
        if with_model:
            box.checkBox().setChecked(True)
        next(b for b in box.buttons() if b.text() == button).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", reply)
    return asked


def type_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(
        "qtpy.QtWidgets.QInputDialog.getText", lambda *args, **keywords: (name, True)
    )


def test_a_run_and_its_model_get_another_name(
    finished: Any, open_panel: Any, runs: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    restore = open_panel()
    restore.form.model_chooser.set_folder(runs / "models")
    type_name(monkeypatch, "Mouse Liver")
    finished.view.rename_button.click()
    assert finished._run.name == "mouse-liver"
    assert finished.run_combo.currentText() == "mouse-liver – finished"
    assert finished.run_combo.count() == 2
    assert sorted(path.name for path in runs.iterdir()) == ["models", "mouse-liver"]
    assert [path.name for path in (runs / "models").iterdir()] == ["mouse-liver.safetensors"]
    assert "name: mouse-liver" in (runs / "mouse-liver" / "config.yaml").read_text()
    combo = restore.form.model_chooser.combo
    assert (combo.findData("cells") < 0, combo.findData("mouse-liver") > 0) == (True, True)
    names = sorted(layer.name for layer in finished._viewer.layers)
    assert names == ["cells", "mouse-liver 1, step 4", "mouse-liver 2, step 4"]
    assert finished.view.plot.score_axes.lines[1].get_ydata()[-1] == 24  # its curves are there


def test_a_taken_name_is_refused(
    finished: Any, runs: Path, notified: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    type_name(monkeypatch, "dgno-cell-small")
    finished.view.rename_button.click()
    assert "There is a model called dgno-cell-small already" in text(finished.view.display.messages)
    assert finished._run.name == "cells"
    assert (runs / "cells").is_dir()


@pytest.mark.parametrize("with_model", [False, True])
def test_a_run_is_deleted_after_a_question(
    with_model: bool, finished: Any, runs: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    asked = answer(monkeypatch, "Cancel")
    click(qtbot, finished.view.delete_button)
    assert asked == ["Delete the run cells?"]
    assert (runs / "cells").is_dir()
    answer(monkeypatch, "Delete", with_model=with_model)
    click(qtbot, finished.view.delete_button)
    assert not (runs / "cells").exists()
    assert (runs / "models" / "cells.safetensors").exists() is not with_model
    assert finished.run_combo.count() == 1
    assert finished.form.isVisible()
    assert "cells was deleted" in finished.display.status.text()
    assert (finished.form.start_chooser.combo.findData("cells") >= 0) is not with_model


def test_files_of_others_are_never_deleted(
    finished: Any, runs: Path, notified: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (runs / "cells" / "notes.txt").write_text("mine")
    answer(monkeypatch, "Delete")
    finished.view.delete_button.click()
    assert "notes.txt" in text(finished.view.display.messages)
    assert (runs / "cells" / "notes.txt").read_text() == "mine"
    assert finished._run is not None


def test_a_run_that_goes_on_can_be_neither_renamed_nor_deleted(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    fake_training(steps=2000, delay=0.05)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    for button in (panel.view.rename_button, panel.view.delete_button):
        assert not button.isEnabled()
