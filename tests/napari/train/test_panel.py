"""The Train panel in a real window, with a stand-in for the training process."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.train_panel import (
    click,
    start,
    text,
    textured,
    wait_for_end,
    wait_for_step,
    wait_until,
)

pytestmark = pytest.mark.gui


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
    fake_training(steps=3000, delay=0.05)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    run = start(qtbot, panel)
    wait_for_step(qtbot, panel, 3)
    assert not panel.view.resume_button.isEnabled()
    click(qtbot, panel.view.stop_button)
    assert "Stopping" in panel.view.display.status.text()
    assert not panel.view.stop_button.isEnabled()
    wait_for_end(qtbot, panel)
    assert f"Stopped at step {run.record.step} of 3000" in panel.view.display.status.text()
    assert panel.view.display.messages.text() == ""
    stopped_at = run.record.step
    click(qtbot, panel.view.resume_button)
    wait_until(qtbot, lambda: run.record.starts == 2)
    wait_for_step(qtbot, panel, stopped_at + 2)
    assert [step for step, _ in run.record.losses][:stopped_at] == [*range(1, stopped_at + 1)]
    assert panel.view.stop_button.isEnabled()


def test_a_model_that_was_never_validated_says_so_wherever_it_is_offered(
    napari_window: Any,
    open_train: Any,
    open_panel: Any,
    fake_training: Any,
    stack: np.ndarray,
    qtbot: Any,
) -> None:
    fake_training(steps=300, hold=2)
    napari_window.add_image(stack, name="cells")
    restore, panel = open_panel(), open_train()
    start(qtbot, panel)
    wait_for_step(qtbot, panel, 2)
    click(qtbot, panel.view.stop_button)
    (panel._run.folder / "go").touch()
    wait_for_end(qtbot, panel)
    assert "<b>Not validated</b>, step 2" in text(panel.view.facts)
    assert panel.run_combo.currentText() == "cells – stopped, step 2 of 300, not validated"
    assert panel._run.summary() == panel.run_combo.currentText()
    offered = "cells (not validated, step 2 of 300)"
    for combo in (restore.form.model_chooser.combo, panel.form.start_chooser.combo):
        assert combo.itemText(combo.findData("cells")) == offered
    click(qtbot, panel.view.restore_button)
    assert restore.form.model_chooser.model() == "cells"
    restore.form.model_chooser.set_model(str(panel._run.weights()))
    offered = "cells.safetensors (not validated, step 2 of 300)"
    assert restore.form.model_chooser.combo.currentText() == offered


def test_a_killed_process_is_told_and_can_go_on(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    fake_training(steps=3000, delay=0.05)
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
    napari_window.dims.set_current_step(0, 2)
    zoom = napari_window.scene.camera.zoom = 3.0
    click(qtbot, panel.form.pairs_button)
    wait_until(qtbot, lambda: "pairs, sharp" in napari_window.layers)
    assert napari_window.dims.current_step[0] == 0
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
    assert napari_window.dims.current_step[0] == 2  # as before the pairs
    assert napari_window.scene.camera.zoom == zoom
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
