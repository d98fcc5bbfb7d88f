"""Runs outlive windows, and folders do not always outlive runs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgno_core.training.runs import run as run_module
from support.train_panel import FAKE, click, start, text, wait_for_end, wait_for_step, wait_until

pytestmark = pytest.mark.gui


def answer(qtbot: Any, window: Any, button_text: str) -> list[str]:
    """Close the window by its button, as a user does, and answer the question."""
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication, QMessageBox

    asked: list[str] = []

    def reply() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            return
        asked.append(box.text())
        timer.stop()
        next(b for b in box.buttons() if b.text() == button_text).click()

    timer = QTimer()
    timer.timeout.connect(reply)
    timer.start(100)
    window.close()
    timer.stop()
    return asked


def main_window(panel: Any) -> Any:
    """Return the window, which is closed in the test but deleted only by its fixture."""
    from qtpy.QtCore import Qt

    window = panel.parent().parent()
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    return window


@pytest.mark.parametrize(
    ("button", "closed", "trains"),
    [
        ("Cancel", False, True),
        ("Keep training in the background", True, True),
        ("Stop training", True, False),
    ],
)
def test_closing_napari_asks_first(
    button: str,
    closed: bool,
    trains: bool,
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    stack: np.ndarray,
    qtbot: Any,
) -> None:
    fake_training(steps=2000, delay=0.05)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    run = start(qtbot, panel)
    wait_for_step(qtbot, panel, 2)
    window = main_window(panel)
    process = run._process
    asked = answer(qtbot, window, button)
    assert asked == ["cells is still training."]
    assert window.isVisible() is not closed
    if trains:
        before = (run.folder / "log.jsonl").stat().st_size
        wait_until(qtbot, lambda: (run.folder / "log.jsonl").stat().st_size > before)
        assert process.poll() is None
    else:
        wait_until(qtbot, lambda: process.poll() is not None)
        assert "TrainStopped" in (run.folder / "log.jsonl").read_text()
    if not closed:
        seen = run.record.step
        wait_for_step(qtbot, panel, seen + 2)  # and the panel still listens


def test_nothing_is_asked_when_nothing_trains(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    fake_training(steps=4, delay=0)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    wait_for_end(qtbot, panel)
    window = main_window(panel)
    assert answer(qtbot, window, "Cancel") == []
    assert not window.isVisible()


def test_a_script_that_closes_the_viewer_is_not_asked(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    fake_training(steps=2000, delay=0.05)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    run = start(qtbot, panel)
    wait_for_step(qtbot, panel, 1)
    napari_window.close()  # a question would hang here
    assert run._process.poll() is None


def test_a_run_is_picked_up_by_a_new_panel_and_a_stopped_one_resumed(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    fake_training(steps=2000, delay=0.05)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    run = start(qtbot, panel)
    wait_for_step(qtbot, panel, 5)
    napari_window.window.remove_dock_widget(panel.parent())
    assert run._process.poll() is None  # closing the panel stops nothing
    second = open_train()
    wait_until(qtbot, lambda: second._run is not None)
    assert second is not panel
    assert second._run is not run
    wait_for_step(qtbot, second, 6)
    assert second._run.record.losses[0] == (1, 1.0)  # from the very start
    assert second.view.stop_button.isEnabled()
    click(qtbot, second.view.stop_button)
    wait_for_end(qtbot, second)
    napari_window.window.remove_dock_widget(second.parent())
    third = open_train()
    wait_until(qtbot, lambda: third.run_combo.count() == 2)
    assert third._run is None  # nothing trains: a new training is offered
    assert third.form.isVisible()
    assert "stopped, step" in third.run_combo.itemText(1)
    third.run_combo.setCurrentIndex(1)
    third.run_combo.activated.emit(1)
    wait_until(qtbot, third.view.resume_button.isEnabled)
    click(qtbot, third.view.resume_button)
    wait_until(qtbot, lambda: third._run.record.starts == 2)


def test_two_trainings_at_once_are_refused(
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    stack: np.ndarray,
    notified: list[str],
    qtbot: Any,
) -> None:
    fake_training(steps=2000, delay=0.05)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    panel.run_combo.setCurrentIndex(0)
    panel.run_combo.activated.emit(0)
    assert panel.form.isVisible()
    assert panel.form.name_edit.text() == "cells-2"
    click(qtbot, panel.form.train_button)
    assert "cells is still training" in text(panel.display.messages)
    panel.run_combo.setCurrentIndex(1)
    panel.run_combo.activated.emit(1)
    wait_for_step(qtbot, panel, 3)


def test_a_deaf_process_is_ended_after_a_while(
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    stack: np.ndarray,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_training(steps=2000, delay=0.05, deaf=True)
    monkeypatch.setattr(run_module, "PATIENCE", 1.0)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    wait_for_step(qtbot, panel, 5)
    click(qtbot, panel.view.stop_button)
    wait_for_end(qtbot, panel)
    assert panel.view.resume_button.isEnabled()


REFUSAL = """
import os, sys
path = os.path.join(os.getcwd(), "data", "stacks", "a.tif")
print(f"dgno-train: The image {path} is even.", file=sys.stderr)
sys.exit(2)
"""


def test_a_refused_start_leaves_nothing_and_its_name_is_free_again(
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    stack: np.ndarray,
    runs: Path,
    notified: list[str],
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_module, "COMMAND", (sys.executable, "-c", REFUSAL))
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    for name in ("cells", "mine"):  # suggested, and given by the user
        if name == "mine":
            panel.form.name_edit.clear()
            qtbot.keyClicks(panel.form.name_edit, name)
        notified.clear()
        click(qtbot, panel.form.train_button)
        wait_until(qtbot, lambda: notified != [])
        wait_until(qtbot, panel.form.isEnabled)
        assert "The image a.tif is even." in text(panel.display.messages)
        assert panel.form.isVisible()
        assert panel.run_combo.count() == 1
        assert list(runs.iterdir()) == []
        assert panel.form.name_edit.text() == name
    monkeypatch.setattr(run_module, "COMMAND", (sys.executable, str(FAKE)))
    assert start(qtbot, panel).name == "mine"


def test_a_refused_start_with_a_strangers_file_stays(
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    stack: np.ndarray,
    runs: Path,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leave = f"open('notes.txt', 'w').close()\n{REFUSAL}"
    monkeypatch.setattr(run_module, "COMMAND", (sys.executable, "-c", leave))
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    wait_for_end(qtbot, panel)
    assert "a.tif is even." in text(panel.view.display.messages)
    assert "failed" in panel.run_combo.currentText()
    assert (runs / "cells" / "data").is_dir()


@pytest.mark.parametrize("ended", [False, True])
def test_a_deleted_folder_is_told_and_its_entry_goes(
    ended: bool,
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    stack: np.ndarray,
    notified: list[str],
    qtbot: Any,
) -> None:
    # One that goes on writes nothing while its folder is deleted, and does not end by itself.
    fake_training(steps=2000, delay=0.05, **({} if ended else {"hold": 3}))
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    run = start(qtbot, panel)
    wait_for_step(qtbot, panel, 3)
    if ended:
        click(qtbot, panel.view.stop_button)
        wait_for_end(qtbot, panel)
    shutil.rmtree(run.folder)
    if ended:
        assert not run.can_resume()
        click(qtbot, panel.view.resume_button)
    wait_until(qtbot, lambda: notified != [])
    assert "The folder of this run is gone" in text(panel.display.messages)
    assert panel.run_combo.count() == 1
    assert panel.form.isVisible()
    wait_until(qtbot, lambda: not run.is_alive())  # it has nowhere to save to
    assert not run.folder.exists()
