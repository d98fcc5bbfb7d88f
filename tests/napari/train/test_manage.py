"""Runs are renamed and deleted, after a question."""

from __future__ import annotations

import shutil
import threading
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


def wait_idle(qtbot: Any, panel: Any) -> None:
    """Wait until nothing is done with the run; the machine may be busy."""
    qtbot.waitUntil(lambda: panel._worker is None and panel._next is None, timeout=60_000)


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
    wait_idle(qtbot, finished)
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


@pytest.mark.parametrize("failing", ["copy", "old"])
def test_a_run_whose_model_cannot_be_renamed_keeps_its_name(
    finished: Any,
    runs: Path,
    notified: list[str],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: Any,
    failing: str,
) -> None:
    """In the worker: the window lives on while files are read and written."""
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    threads = []
    real = Path.unlink if failing == "old" else shutil.copy2

    def refuse(path: Any, *others: Any, **keywords: Any) -> Any:
        if failing == "copy" or path == runs / "models" / "cells.safetensors":
            threads.append(threading.current_thread())
            raise OSError(28, "No space left on device")
        return real(path, *others, **keywords)

    if failing == "old":
        monkeypatch.setattr(Path, "unlink", refuse)
    else:
        monkeypatch.setattr(shutil, "copy2", refuse)
    type_name(monkeypatch, "mouse-liver")
    finished.view.rename_button.click()
    assert finished.view.display.status.text() == "Renaming …"
    wait_idle(qtbot, finished)
    assert "the disk is full" in text(finished.view.display.messages)
    assert threads
    assert threading.main_thread() not in threads
    assert {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()} == before
    assert finished._run.name == "cells"
    assert finished.view.rename_button.isEnabled()


def test_whether_a_model_is_the_run_s_own_is_found_out_in_the_worker(
    finished: Any, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    from dgno_core.models import card

    real, threads = card.weights_hash, []

    def hashing(path: Path) -> str:
        threads.append(threading.current_thread())
        return real(path)

    monkeypatch.setattr(card, "weights_hash", hashing)
    type_name(monkeypatch, "mouse-liver")
    click(qtbot, finished.view.rename_button)
    wait_idle(qtbot, finished)
    asked = answer(monkeypatch, "Cancel")
    click(qtbot, finished.view.delete_button)
    wait_idle(qtbot, finished)
    assert asked == ["Delete the run mouse-liver?"]
    assert len(threads) >= 4
    assert threading.main_thread() not in threads


def test_a_taken_name_is_refused(
    finished: Any, runs: Path, notified: list[str], monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    type_name(monkeypatch, "dgno-cell-small")
    finished.view.rename_button.click()
    wait_idle(qtbot, finished)
    assert "There is a model called dgno-cell-small already" in text(finished.view.display.messages)
    assert finished._run.name == "cells"
    assert (runs / "cells").is_dir()


@pytest.mark.parametrize("with_model", [False, True])
def test_a_run_is_deleted_after_a_question(
    with_model: bool, finished: Any, runs: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    asked = answer(monkeypatch, "Cancel")
    click(qtbot, finished.view.delete_button)
    wait_idle(qtbot, finished)
    assert asked == ["Delete the run cells?"]
    assert (runs / "cells").is_dir()
    answer(monkeypatch, "Delete", with_model=with_model)
    click(qtbot, finished.view.delete_button)
    wait_idle(qtbot, finished)
    assert not (runs / "cells").exists()
    assert (runs / "models" / "cells.safetensors").exists() is not with_model
    assert finished.run_combo.count() == 1
    assert finished.form.isVisible()
    assert "cells was deleted" in finished.display.status.text()
    assert (finished.form.start_chooser.combo.findData("cells") >= 0) is not with_model


def test_files_of_others_are_never_deleted(
    finished: Any, runs: Path, notified: list[str], monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    (runs / "cells" / "notes.txt").write_text("mine")
    answer(monkeypatch, "Delete")
    finished.view.delete_button.click()
    wait_idle(qtbot, finished)
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


def test_the_folder_of_kept_models_becomes_the_preferred_one(finished: Any, runs: Path) -> None:
    from napari_dgno.shared.settings import preference_model, read_preferences
    from napari_dgno.train.models import keep_model

    assert read_preferences().model_folder == runs / "models"  # there was none
    preference_model().model_folder = str(runs / "mine")
    assert keep_model(finished._run) == runs / "mine" / "cells.safetensors"
