"""How long a training will take is told before it begins; nothing is timed for nobody."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dgno_core.events import Refused
from support.train_panel import click, start, text, wait_until

pytestmark = pytest.mark.gui

PLANNED = "580 steps of 4 crops of 64 × 64 pixels: about 10 min on this computer (1.0 s a step)."


def measuring(qtbot: Any, panel: Any) -> Any:
    """Wait until a step is being timed; return the process that does it."""
    pace = panel._pace
    wait_until(
        qtbot, lambda: pace._measurement is not None and pace._measurement._process is not None
    )
    return pace._measurement._process


def settings(panel: Any) -> dict[str, Any]:
    return yaml.safe_load((panel._run.folder / "config.yaml").read_text(encoding="utf-8"))


def test_the_time_is_told_and_kept_to(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    panel = open_train()
    label = panel.form.preset_label
    assert "Steps of 4 crops" in text(label)
    assert " min" not in text(label).partition("<br>")[2]
    napari_window.add_image(stack, name="cells")
    wait_until(qtbot, lambda: PLANNED in text(label))
    start(qtbot, panel)
    assert (settings(panel)["steps"], settings(panel)["validation"]["every"]) == (580, 58)


def test_training_at_once_measures_first(
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    timing: Any,
    stack: np.ndarray,
    qtbot: Any,
) -> None:
    timing(step=2.0, validation=1.0, delay=1)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    click(qtbot, panel.form.train_button)
    assert "Measuring how long a step takes" in panel.display.status.text()
    wait_until(qtbot, lambda: panel._run is not None)
    assert settings(panel)["steps"] == 290


def test_cancelling_while_a_step_is_timed_is_no_error(
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    timing: Any,
    stack: np.ndarray,
    qtbot: Any,
    notified: list[str],
) -> None:
    timing(delay=300)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    click(qtbot, panel.form.train_button)
    wait_until(
        qtbot,
        lambda: panel._launching is not None and panel._launching._measurement._process is not None,
    )
    panel.cancel()
    wait_until(qtbot, lambda: panel._worker is None)
    assert panel.display.messages.text() == ""
    assert notified == []
    assert panel._run is None


def test_a_change_of_settings_ends_the_measurement(
    napari_window: Any, open_train: Any, timing: Any, stack: np.ndarray, qtbot: Any
) -> None:
    timing(delay=300)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    process = measuring(qtbot, panel)
    assert "Measuring how long a step takes" in text(panel.form.preset_label)
    timing()
    panel.form.advanced.batch_spin.setValue(2)
    wait_until(qtbot, lambda: process.poll() is not None)
    wait_until(qtbot, lambda: "steps of 2 crops of 64 × 64" in text(panel.form.preset_label))
    panel.form.advanced.steps_spin.setValue(50)
    expected = "50 steps of 2 crops of 64 × 64 pixels: about 1 min"
    wait_until(qtbot, lambda: expected in text(panel.form.preset_label))


@pytest.mark.parametrize("how", ["panel", "cancel", "train"])
def test_nothing_is_measured_for_nobody(
    how: str,
    napari_window: Any,
    open_train: Any,
    fake_training: Any,
    timing: Any,
    stack: np.ndarray,
    runs: Path,
    qtbot: Any,
) -> None:
    timing(delay=300)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    process = measuring(qtbot, panel)
    if how == "panel":
        napari_window.window.remove_dock_widget(panel.parent())
        assert not panel._pace._timer.isActive()
        assert not panel._poll_timer.isActive()
    elif how == "train":
        panel.form.advanced.steps_spin.setValue(7)  # the time is not needed for that
        start(qtbot, panel)
        assert settings(panel)["steps"] == 7
    else:
        panel.form.train_button.click()
        wait_until(qtbot, lambda: panel._launching._measurement._process is not None)
        click(qtbot, panel.display.cancel_button)
        wait_until(qtbot, panel.form.isEnabled)
        assert not runs.exists()
    wait_until(qtbot, lambda: process.poll() is not None)


def test_too_little_memory_is_told_in_words_of_the_panel(
    napari_window: Any,
    open_train: Any,
    stack: np.ndarray,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = Refused("A step takes 90 GB of memory; make batch or crop smaller.").to_json()
    command = (sys.executable, "-c", f"print({said!r})")
    monkeypatch.setattr("dgno_core.training.runs.pace.COMMAND", command)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    wait_until(qtbot, lambda: "90 GB" in text(panel.form.preset_label))
    assert "choose fewer crops a step or a smaller crop under Advanced" in text(
        panel.form.preset_label
    )


def test_wishes_are_trained_with(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    advanced = panel.form.advanced
    assert not advanced.crop_spin.isVisibleTo(panel)
    advanced.button.click()
    assert advanced.crop_spin.isVisibleTo(panel)
    advanced.crop_spin.setValue(40)
    advanced.batch_spin.setValue(3)
    advanced.rate_combo.setCurrentIndex(2)
    start(qtbot, panel)
    chosen = settings(panel)
    assert (chosen["crop"], chosen["batch"]) == (32, 3)
    assert chosen["optim"]["lr"] == pytest.approx(2e-5)


def test_nothing_is_timed_beside_a_training(
    napari_window: Any, open_train: Any, fake_training: Any, stack: np.ndarray, qtbot: Any
) -> None:
    fake_training(steps=2000, delay=0.05)
    napari_window.add_image(stack, name="cells")
    panel = open_train()
    start(qtbot, panel)
    panel.run_combo.setCurrentIndex(0)
    panel.run_combo.activated.emit(0)
    wait_until(qtbot, lambda: "measured when nothing trains" in text(panel.form.preset_label))
