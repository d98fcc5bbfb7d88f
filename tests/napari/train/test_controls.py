"""The controls of the Train panel: what is shown, said and picked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.train_panel import click, start, text, wait_for_end, wait_until

pytestmark = pytest.mark.gui


def test_the_panel_follows_the_preferences(
    napari_window: Any, open_train: Any, runs: Path, tmp_path: Path, qtbot: Any
) -> None:
    from napari_dgno.shared.settings import preference_model, training_model

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
    summary = restore.form.summary.whole
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
        "from napari_dgno.train.panel import TrainPanel\n"
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


def test_texts_do_not_outlive_their_layer(
    napari_window: Any, open_train: Any, stack: np.ndarray, notified: list[str], qtbot: Any
) -> None:
    panel = open_train()
    flat = napari_window.add_image(stack[0], name="flat")
    click(qtbot, panel.form.train_button)
    assert "'flat' has one plane only" in text(panel.display.messages)
    napari_window.layers.remove(flat)
    assert panel.display.messages.isHidden()
    layer = napari_window.add_image(stack, name="cells")
    wait_until(qtbot, lambda: "is the sharpest" in panel.form.images.focus_label.text())
    click(qtbot, panel.form.pairs_button)
    wait_until(qtbot, lambda: panel._pairs.is_shown)
    wait_until(qtbot, panel.form.isEnabled)
    napari_window.layers.remove(layer)
    wait_until(qtbot, lambda: not panel._pairs.is_shown)
    assert panel.display.status.isHidden()
    assert panel.form.images.focus_label.isHidden()
    assert panel.form.pairs_button.text() == "Show pairs"
    assert len(napari_window.layers) == 0


def test_notes_on_pairs_go_with_the_pairs_and_without_painting(
    napari_window: Any,
    open_train: Any,
    stack: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: Any,
) -> None:
    from dgno_core.training.runs.preview import PairsFound

    panel = open_train()
    layer = napari_window.add_image(stack[0], name="cells")
    panel._on_pairs(PairsFound(stack, stack, tuple("abcd"), 4, ("One plane was left out.",)))
    assert "One plane was left out." in text(panel.display.messages)
    touched: list[int] = []  # a bar paints at once: never while a layer is being removed
    monkeypatch.setattr(panel.display.bar, "setValue", touched.append)
    for name in ("blurred", "sharp"):
        napari_window.layers.remove(f"pairs, {name}")
    assert panel.form.pairs_button.text() == "Show pairs"
    assert panel.display.messages.isHidden()
    napari_window.layers.remove(layer)
    assert touched == []


def test_the_sharpest_plane_of_a_layer_that_is_gone_is_not_told(
    napari_window: Any, open_train: Any, stack: np.ndarray, qtbot: Any
) -> None:
    from dgno_core.training.runs.preview import FocusFound

    panel = open_train()
    layer = napari_window.add_image(stack, name="cells")
    wait_until(qtbot, lambda: "is the sharpest" in panel.form.images.focus_label.text())
    napari_window.layers.remove(layer)
    panel._focus._on_event(FocusFound(1, None))  # it was still being looked for
    assert panel.form.images.focus_label.text() == ""


def test_empty_choices_say_what_is_missing(napari_window: Any, open_train: Any) -> None:
    images = open_train().form.images
    for combo in (images.layer_combo, images.sharp_combo):
        assert combo.currentIndex() == -1
        assert combo.placeholderText() == "Open an image first"
