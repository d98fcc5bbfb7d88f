"""The Train panel in a real window, with a stand-in for the training process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_dgno import _train_run

pytestmark = pytest.mark.gui

FAKE = Path(__file__).parents[1] / "support" / "fake_training.py"


def click(qtbot: Any, button: Any) -> None:
    from qtpy.QtCore import Qt

    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def wait_until(qtbot: Any, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=60_000)  # the machine may be busy


def textured(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=shape)
    return (3000 + 6000 * gaussian_filter(noise, 1.5)).clip(0, 65535).astype(np.uint16)


@pytest.fixture
def stack() -> np.ndarray:
    """Return a focal stack, (4, 96, 112), in focus in plane 1."""
    from scipy.ndimage import gaussian_filter

    sharp = textured((96, 112)).astype(float)
    planes = [gaussian_filter(sharp, 1.2 * abs(z - 1)) for z in range(4)]
    return np.stack(planes).astype(np.uint16)


@pytest.fixture
def runs(tmp_path: Path, plugin: Any) -> Path:
    """Return the preferred folder of runs."""
    from napari_dgno._settings import training_model

    folder = tmp_path / "runs"
    training_model().runs_folder = str(folder)
    return folder


@pytest.fixture
def fake_training(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Replace `dgno-train`; the returned function says how it behaves. None outlives the test."""
    monkeypatch.setattr(_train_run, "COMMAND", (sys.executable, str(FAKE)))
    monkeypatch.setattr(_train_run, "LAST_PATIENCE", 1.0)
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def popen(command: Any, **keywords: Any) -> Any:
        process = real(command, **keywords)
        if str(FAKE) in command:
            started.append(process)
        return process

    monkeypatch.setattr(_train_run.subprocess, "Popen", popen)

    def behave(**wishes: Any) -> None:
        monkeypatch.setenv("DGNO_FAKE", json.dumps(wishes))

    behave()
    yield behave
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def open_train(napari_window: Any, runs: Path, qtbot: Any) -> Iterator[Callable[[], Any]]:
    """Return a function that docks the Train panel."""

    def dock() -> Any:
        return napari_window.window.add_plugin_dock_widget("napari-dgno", "Train")[1]

    yield dock
    qtbot.wait(50)


def start(qtbot: Any, panel: Any) -> Any:
    click(qtbot, panel.form.train_button)
    wait_until(qtbot, lambda: panel._run is not None)
    return panel._run


def wait_for_step(qtbot: Any, panel: Any, step: int) -> None:
    wait_until(qtbot, lambda: panel._run.record.step >= step)


def wait_for_end(qtbot: Any, panel: Any) -> None:
    wait_until(qtbot, lambda: not panel._poll_timer.isActive())


def text(label: Any) -> str:
    from html import unescape

    return unescape(label.text())


def test_a_stack_is_trained_on_and_the_model_is_offered_at_once(
    napari_window: Any,
    open_train: Any,
    open_panel: Any,
    fake_training: Any,
    stack: np.ndarray,
    runs: Path,
    qtbot: Any,
) -> None:
    fake_training(steps=8, hold=5)
    layer = napari_window.add_image(stack, name="My cells", scale=(2, 0.5, 0.5), units="um")
    restore, panel = open_panel(), open_train()
    wait_until(qtbot, lambda: "Plane 1 is the sharpest" in panel.form.images.focus_label.text())
    assert panel.form.name_edit.text() == "my-cells"
    start(qtbot, panel)
    assert not panel.form.isVisible()
    wait_until(qtbot, lambda: len(napari_window.layers) == 3)
    assert "Step " in panel.view.display.status.text()
    assert "left" in panel.view.display.status.text()
    first = napari_window.layers[1]
    assert first.name == "my-cells 1, step 4"
    assert first.data[0, 0] == 40
    (runs / "my-cells" / "go").touch()
    wait_for_end(qtbot, panel)
    assert "Finished: 8 steps" in panel.view.display.status.text()
    assert len(napari_window.layers) == 3  # the pictures are updated in place
    assert napari_window.layers[1] is first
    assert (first.data[0, 0], first.name.endswith("step 8")) == (80, True)
    assert first.extent.world[0, 0] > layer.extent.world[1, 1]  # below the stack
    assert napari_window.layers.selection.active is layer
    assert len(panel.view.plot.loss_axes.lines[0].get_xdata()) == 8
    assert panel.view.plot.score_axes.lines[1].get_ydata()[-1] == 28
    assert "28.00 dB" in text(panel.view.facts)
    assert "plane 2 is in best focus" in text(panel.view.facts)
    assert restore.form.model_chooser.combo.findData("my-cells") >= 0
    click(qtbot, panel.view.restore_button)
    assert restore.form.model_chooser.model() == "my-cells"
    assert restore.isVisible()
    assert (runs / "models" / "my-cells.safetensors").is_file()
    assert (runs / "my-cells" / "data" / "stacks" / "My-cells-0001.tif").is_file()
    assert "finished" in panel.run_combo.currentText()


def test_stop_and_resume(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    fake_training(steps=300, delay=0.05)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    run = start(qtbot, panel)
    wait_for_step(qtbot, panel, 3)
    assert not panel.view.resume_button.isEnabled()
    click(qtbot, panel.view.stop_button)
    assert "Stopping" in panel.view.display.status.text()
    assert not panel.view.stop_button.isEnabled()
    wait_for_end(qtbot, panel)
    assert f"Stopped at step {run.record.step} of 300" in panel.view.display.status.text()
    assert panel.view.display.messages.text() == ""
    stopped_at = run.record.step
    click(qtbot, panel.view.resume_button)
    wait_until(qtbot, lambda: run.record.starts == 2)
    wait_for_step(qtbot, panel, stopped_at + 2)
    assert [step for step, _ in run.record.losses][:stopped_at] == [*range(1, stopped_at + 1)]
    assert panel.view.stop_button.isEnabled()


def test_a_killed_process_is_told_and_can_go_on(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    fake_training(steps=300, delay=0.05)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    run = start(qtbot, panel)
    wait_for_step(qtbot, panel, 6)
    os.kill(run._process.pid, signal.SIGKILL)
    wait_for_end(qtbot, panel)
    assert "ended without a word" in text(panel.view.display.messages)
    assert "last checkpoint" in text(panel.view.display.messages)
    click(qtbot, panel.view.resume_button)
    wait_until(qtbot, lambda: run.record.starts == 2)
    assert panel.view.display.messages.isHidden()


@pytest.mark.parametrize(
    ("wishes", "shown"),
    [
        ({"fail": "The image a.tif cannot be read."}, "The image a.tif cannot be read."),
        ({"crash": "mat1 and mat2"}, "stopped unexpectedly (RuntimeError: mat1 and mat2)"),
        ({"crash": "out of memory"}, "The memory ran out."),
    ],
)
def test_errors_of_the_process_are_one_sentence(
    wishes: dict[str, str],
    shown: str,
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    stack: np.ndarray,
    qtbot: Any,
) -> None:
    fake_training(**wishes)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    wait_for_end(qtbot, panel)
    assert shown in text(panel.view.display.messages)
    assert panel.view.display.messages.isVisible()
    assert panel.view.resume_button.isEnabled()
    assert not panel.view.restore_button.isEnabled()
    assert "failed" in panel.run_combo.currentText()


@pytest.fixture
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what napari's notifications say."""
    shown: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_error", shown.append)
    return shown


def test_nothing_is_started_where_nothing_can_be_written(
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    stack: np.ndarray,
    tmp_path: Path,
    notified: list[str],
    qtbot: Any,
) -> None:
    (tmp_path / "file").touch()
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    panel.form.runs_edit.set_path(tmp_path / "file" / "runs")
    click(qtbot, panel.form.train_button)
    wait_until(qtbot, lambda: notified != [])
    wait_until(qtbot, panel.form.isEnabled)
    assert "could not be written" in text(panel.display.messages)
    assert panel._run is None


def test_a_full_disk_is_told_and_leaves_nothing(
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    stack: np.ndarray,
    runs: Path,
    notified: list[str],
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import errno

    def full(*args: Any, **keywords: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tifffile.imwrite", full)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    click(qtbot, panel.form.train_button)
    wait_until(qtbot, lambda: notified != [])
    wait_until(qtbot, panel.form.isEnabled)
    assert "the disk is full" in text(panel.display.messages)
    assert list(runs.iterdir()) == []


def test_unequal_layers_and_flat_stacks_are_refused(
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    stack: np.ndarray,
    runs: Path,
    notified: list[str],
    qtbot: Any,
) -> None:
    panel = open_train()
    click(qtbot, panel.form.train_button)
    assert "There is no image to train on" in text(panel.display.messages)
    flat = napari_window.add_image(stack[0], name="flat")
    other = napari_window.add_image(stack[1, :80], name="other")
    panel.form.images.layer_combo.set_layer(flat)
    click(qtbot, panel.form.train_button)
    assert "'flat' has one plane only" in text(panel.display.messages)
    panel.form.images.set_kind("pair")
    panel.form.images.sharp_combo.set_layer(flat)
    click(qtbot, panel.form.train_button)
    assert "chosen as blurred and as sharp" in text(panel.display.messages)
    panel.form.images.sharp_combo.set_layer(other)
    click(qtbot, panel.form.pairs_button)
    assert "'flat' (96 × 112) and 'other' (80 × 112)" in text(panel.display.messages)
    assert len(notified) == 4
    assert not runs.exists()


def test_pairs_are_shown_side_by_side_and_put_away(
    napari_window: Any, open_train: Any, stack: np.ndarray, runs: Path, qtbot: Any
) -> None:
    layer = napari_window.add_image(stack, name="cells", scale=(2, 0.5, 0.5))
    hidden = napari_window.add_image(stack[0], name="hidden", visible=False)
    napari_window.layers.selection.active = layer
    panel = open_train()
    click(qtbot, panel.form.pairs_button)
    wait_until(qtbot, lambda: "pairs, sharp" in napari_window.layers)
    wait_until(qtbot, panel.form.isEnabled)
    blurred, sharp = (napari_window.layers[f"pairs, {name}"] for name in ("blurred", "sharp"))
    assert blurred.data.shape == sharp.data.shape
    assert blurred.data.shape[::2] == (3, 112)
    np.testing.assert_array_equal(sharp.data[0], stack[1, : sharp.data.shape[1]])
    np.testing.assert_array_equal(blurred.data[2], stack[3, : sharp.data.shape[1]])
    assert sharp.translate[2] > 112 * 0.5
    assert not layer.visible
    assert panel.form.images.layer_combo.layer() is layer
    assert "3 pairs: blurred on the left" in panel.display.status.text()
    click(qtbot, panel.form.pairs_button)
    assert list(napari_window.layers) == [layer, hidden]
    assert (layer.visible, hidden.visible) == (True, False)
    click(qtbot, panel.form.pairs_button)
    wait_until(qtbot, lambda: "pairs, sharp" in napari_window.layers)
    wait_until(qtbot, panel.form.isEnabled)
    for name in ("blurred", "sharp"):  # by hand
        napari_window.layers.remove(f"pairs, {name}")
    assert panel.form.pairs_button.text() == "Show pairs"
    assert layer.visible
    assert not runs.exists()


def test_layers_that_cannot_be_aligned_are_told_in_one_sentence(
    napari_window: Any, open_train: Any, notified: list[str], qtbot: Any
) -> None:
    one = napari_window.add_image(textured((96, 96), 1), name="one")
    other = napari_window.add_image(textured((96, 96), 2), name="other")
    panel = open_train()
    panel.form.images.set_kind("pair")
    panel.form.images.layer_combo.set_layer(one)
    panel.form.images.sharp_combo.set_layer(other)
    click(qtbot, panel.form.pairs_button)
    wait_until(qtbot, lambda: notified != [])
    wait_until(qtbot, panel.form.isEnabled)
    assert "'one' and 'other' cannot be aligned" in text(panel.display.messages)
    assert len(napari_window.layers) == 2


def test_synthetic_blur_is_shown_as_the_training_draws_it(
    napari_window: Any, open_train: Any, qtbot: Any
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    napari_window.add_image(pixels, name="tissue", rgb=True)
    panel = open_train()
    panel.form.images.set_kind("sharp")
    click(qtbot, panel.form.pairs_button)
    wait_until(qtbot, lambda: "pairs, sharp" in napari_window.layers)
    wait_until(qtbot, panel.form.isEnabled)
    sharp = napari_window.layers["pairs, sharp"]
    assert sharp.rgb
    assert sharp.data.shape == (12, 96, 96, 3)
    assert "12 examples" in panel.display.status.text()


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
    monkeypatch.setattr(_train_run, "PATIENCE", 1.0)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    wait_for_step(qtbot, panel, 5)
    click(qtbot, panel.view.stop_button)
    wait_for_end(qtbot, panel)
    assert panel.view.resume_button.isEnabled()


def test_the_panel_follows_the_preferences(
    napari_window: Any, open_train: Any, runs: Path, tmp_path: Path, qtbot: Any
) -> None:
    from napari_dgno._settings import preference_model, training_model

    panel = open_train()
    assert panel.form.runs_folder() == runs
    other = tmp_path / "other"
    (other / "old").mkdir(parents=True)
    (other / "old" / "config.yaml").touch()
    training_model().runs_folder = str(other)
    assert panel.form.runs_folder() == other
    wait_until(qtbot, lambda: panel.run_combo.count() == 2)
    preference_model().device = "cpu"
    assert panel.form.device_combo.currentData() == "cpu"


def test_the_curves_follow_the_theme(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    from matplotlib.colors import to_hex
    from napari.utils.theme import get_theme

    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    wait_for_end(qtbot, panel)
    colours = []
    for theme in ("light", "dark"):
        napari_window.theme = theme
        background = get_theme(theme).background.as_hex(format="long")
        assert to_hex(panel.view.plot.figure.get_facecolor()) == background
        colours.append(panel.view.plot.loss_axes.lines[0].get_color())
    assert colours[0] != colours[1]


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("stack", {"layer_combo", "axes_edit", "target_spin", "align_box"}),
        ("pair", {"layer_combo", "sharp_combo", "axes_edit", "align_box"}),
        ("sharp", {"layer_combo", "axes_edit"}),
        ("stacks", {"folder_edit", "target_spin", "align_box"}),
        ("pairs", {"folder_edit", "sharp_folder_edit"}),
        ("sharps", {"folder_edit"}),
    ],
)
def test_only_the_fields_of_a_kind_are_shown(kind: str, shown: set[str], open_train: Any) -> None:
    images = open_train().form.images
    images.set_kind(kind)
    names = {
        "layer_combo", "sharp_combo", "axes_edit", "target_spin", "align_box", "folder_edit",
        "sharp_folder_edit",
    }  # fmt: skip
    assert {name for name in names if getattr(images, name).isVisibleTo(images)} == shown
    for name in names:
        label = images.form_layout.labelForField(getattr(images, name))
        assert label is None or label.isVisibleTo(images) == (name in shown)


def test_restore_opens_as_a_tab_in_which_texts_take_no_more_room_than_they_need(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    fake_training(steps=4, delay=0)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    wait_for_end(qtbot, panel)
    click(qtbot, panel.view.restore_button)
    restore = next(iter(set(napari_window.window.dock_widgets.values()) - {panel}))
    wait_until(qtbot, restore.isVisible)
    summary = restore.form.summary
    restore.form.set_summary("What a model is for, and what it is not for. " * 6)
    qtbot.wait(100)
    long = summary.height()
    restore.form.set_summary("Short.")
    wait_until(qtbot, lambda: summary.height() < long)
    wait_until(qtbot, lambda: summary.height() <= summary.heightForWidth(summary.width()) + 10)


def test_every_control_explains_itself(open_train: Any) -> None:
    from qtpy.QtWidgets import QCheckBox, QComboBox, QLineEdit, QPushButton, QSpinBox, QToolButton

    panel = open_train()
    controls = [
        widget
        for kind in (QComboBox, QLineEdit, QPushButton, QSpinBox, QCheckBox, QToolButton)
        for widget in panel.findChildren(kind)
        if widget.objectName() != "qt_spinbox_lineedit"
    ]
    assert len(controls) >= 20
    assert [widget for widget in controls if not widget.toolTip()] == []


def test_the_panel_fits_a_narrow_dock(open_train: Any, qtbot: Any) -> None:
    panel = open_train()
    panel.display.set_error("One sentence that has to be broken into lines. " * 5)
    panel.setParent(None)
    panel.show()
    panel.resize(320, 240)
    wait_until(qtbot, lambda: panel.width() == 320)
    panel.form.images.show_focus("Why another plane may be the sharpest. " * 4)
    qtbot.wait(100)
    for label in (panel.display.messages, panel.form.preset_label, panel.form.images.focus_label):
        assert label.height() >= label.heightForWidth(label.width())
    panel.close()


def test_the_panel_opens_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys, napari\n"
        "from napari_dgno._train import TrainPanel\n"
        "viewer = napari.Viewer(show=False)\n"
        "panel = TrainPanel(viewer)\n"
        "print('torch' in sys.modules)\n"
        "panel.shut_down(); viewer.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "NAPARI_CONFIG": str(tmp_path / "s.yaml"), "HOME": str(tmp_path)},
    )
    assert done.stdout.strip().splitlines()[:1] == ["False"], done.stderr


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
    monkeypatch.setattr(_train_run, "COMMAND", (sys.executable, "-c", REFUSAL))
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
    monkeypatch.setattr(_train_run, "COMMAND", (sys.executable, str(FAKE)))
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
    monkeypatch.setattr(_train_run, "COMMAND", (sys.executable, "-c", leave))
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
    fake_training(steps=2000, delay=0.05)
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


def test_pairs_need_no_name(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    panel.form.name_edit.clear()
    click(qtbot, panel.form.pairs_button)
    wait_until(qtbot, lambda: panel._pairs.is_shown)
    assert "Not done" not in text(panel.display.messages)


def test_own_pictures_are_never_trained_on_unasked(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    layer = napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    wait_until(qtbot, lambda: len(napari_window.layers) == 3)
    wait_for_end(qtbot, panel)
    napari_window.layers.remove(layer)
    assert panel.form.images.layer_combo.layer() is None
    assert panel.form.images.layer_combo.count() == 2  # they can be chosen
    other = napari_window.add_image(stack, name="more cells")
    assert panel.form.images.layer_combo.layer() is other


def test_a_colour_layer_and_a_grey_one_are_no_pair(
    napari_window: Any, open_train: Any, stack: np.ndarray, notified: list[str], qtbot: Any
) -> None:
    panel = open_train()
    colour = napari_window.add_image(np.stack([stack[0] // 256] * 3, -1).astype(np.uint8), name="c")
    grey = napari_window.add_image(stack[0], name="g")
    panel.form.images.set_kind("pair")
    panel.form.images.layer_combo.set_layer(colour)
    panel.form.images.sharp_combo.set_layer(grey)
    click(qtbot, panel.form.train_button)
    assert "one is colour, the other grey" in text(panel.display.messages)
