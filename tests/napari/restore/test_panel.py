"""The Restore panel in a real window."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgno_core.errors import DGNOError
from support.save_dialog import press_save

pytestmark = pytest.mark.gui


def add_placed(viewer: Any, image: np.ndarray) -> Any:
    return viewer.add_image(
        image, name="cells", scale=(2, 0.5, 0.5), translate=(1, 2, 3), rotate=(10, 0, 0),
        units=("µm", "µm", "µm"), axis_labels=("z", "y", "x"), colormap="green",
        contrast_limits=(50, 3000),
    )  # fmt: skip


def click(qtbot: Any, button: Any) -> None:
    from qtpy.QtCore import Qt

    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def wait_until(qtbot: Any, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=60_000)  # the machine may be busy


def wait_idle(qtbot: Any, panel: Any) -> None:
    wait_until(qtbot, panel.restore_button.isEnabled)


def copy(qtbot: Any, panel: Any) -> None:
    click(qtbot, panel.copy_button)
    wait_until(qtbot, panel.copy_button.isEnabled)


def test_result_lies_where_the_original_does(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    original = add_placed(napari_window, image)
    other = napari_window.add_image(image[0], name="other")
    panel = open_panel()
    panel.form.layer_combo.set_layer(original)
    before = image.copy()
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    result = napari_window.layers["cells restored (fake)"]
    assert list(napari_window.layers) == [original, other, result]  # the newest on top
    np.testing.assert_array_equal(result.data, before + 1)
    np.testing.assert_array_equal(original.data, before)
    for key in ("scale", "translate", "rotate", "shear", "contrast_limits"):
        np.testing.assert_allclose(getattr(result, key), getattr(original, key))
    np.testing.assert_allclose(result.affine.affine_matrix, original.affine.affine_matrix)
    assert result.units == original.units
    assert result.axis_labels == original.axis_labels == ("z", "y", "x")
    assert result.colormap.name == "green"
    assert result.metadata["dgno"]["model"] == "fake"
    assert "Done" in panel.display.status.text()


def test_panel_follows_the_selected_layer_but_not_its_own_results(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    panel = open_panel()
    assert not panel.restore_button.isEnabled()
    first = napari_window.add_image(image, name="first")
    second = napari_window.add_image(image[0], name="second")
    assert panel.form.layer_combo.layer() is second
    assert panel.form.axes_edit.text() == "YX"
    napari_window.layers.selection.active = first
    assert panel.form.layer_combo.layer() is first
    assert panel.form.axes_edit.text() == "ZYX"
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    assert napari_window.layers.selection.active.name == "first restored (fake)"
    assert panel.form.layer_combo.layer() is first
    first.name = "renamed"
    assert panel.form.layer_combo.currentText() == "renamed"
    napari_window.add_labels(np.zeros((64, 80), int))
    assert panel.form.layer_combo.count() == 3


def test_cancel_leaves_nothing_and_gives_the_buttons_back(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    fake_core.tiles, fake_core.delay = 200, 0.05
    napari_window.add_image(image)
    panel = open_panel()
    click(qtbot, panel.restore_button)
    assert not panel.restore_button.isEnabled()
    wait_until(qtbot, lambda: panel.display.bar.value() > 1)
    assert "%" in panel.display.status.text()
    click(qtbot, panel.display.cancel_button)
    wait_idle(qtbot, panel)
    assert len(napari_window.layers) == 1
    assert fake_core.closed == ["cancelled"]
    assert not panel.display.cancel_button.isEnabled()
    assert "Cancelled" in panel.display.status.text()
    fake_core.tiles, fake_core.delay = 2, 0.0
    click(qtbot, panel.restore_button)  # and it works again
    wait_idle(qtbot, panel)
    assert len(napari_window.layers) == 2


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (DGNOError("The image holds <NaN> pixels."), "The image holds <NaN> pixels."),
        (RuntimeError("mat1 and mat2"), "stopped unexpectedly (RuntimeError)"),
    ],
)
def test_errors_are_said_in_the_panel_and_notified(
    error: Exception,
    shown: str,
    napari_window: Any,
    open_panel: Any,
    fake_core: Any,
    image: np.ndarray,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from html import unescape

    from napari.utils.notifications import notification_manager

    # napari's test support would raise the notified error in the window's thread
    notified: list[str] = []
    monkeypatch.setattr(
        notification_manager,
        "receive_error",
        lambda kind, value, trace: notified.append(str(value)),
    )
    monkeypatch.setattr("napari.utils.notifications.show_error", notified.append)
    fake_core.fail = error
    napari_window.add_image(image)
    panel = open_panel()
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    assert shown in unescape(panel.display.messages.text())
    assert panel.display.messages.isVisible()
    assert notified == [str(error)]
    assert len(napari_window.layers) == 1
    assert panel.preview_button.isEnabled()


def test_axes_that_do_not_fit_start_nothing(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    napari_window.add_image(image, name="cells")
    panel = open_panel()
    panel.form.axes_edit.setText("YX")
    click(qtbot, panel.restore_button)
    assert panel.restore_button.isEnabled()
    assert "cells" in panel.display.messages.text()
    assert fake_core.configs == []


def test_window_goes_on_while_the_core_works(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    from qtpy.QtCore import QTimer

    fake_core.tiles, fake_core.delay = 1, 4.0
    napari_window.add_image(image)
    panel = open_panel()
    ticks: list[float] = []
    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start()
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    timer.stop()
    assert ticks[-1] - ticks[0] >= 4
    assert max(np.diff(ticks)) < 2  # a window that waits for the tile would stand still for 4 s


def test_progress_is_shown_at_most_ten_times_a_second(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    fake_core.tiles, fake_core.delay = 300, 0.005
    napari_window.add_image(image)
    panel = open_panel()
    updates: list[int] = []
    panel.display.bar.valueChanged.connect(updates.append)
    begun = time.monotonic()
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    assert 3 <= len(updates) <= 10 * (time.monotonic() - begun) + 5


def test_layer_deleted_during_the_run(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    fake_core.tiles, fake_core.delay = 40, 0.1  # long enough not to end before the deletion
    napari_window.add_image(image, name="cells")
    panel = open_panel()
    click(qtbot, panel.restore_button)
    wait_until(qtbot, lambda: panel.display.bar.value() > 0)
    assert not panel.restore_button.isEnabled()
    napari_window.layers.clear()
    wait_until(qtbot, lambda: len(napari_window.layers) == 1)
    np.testing.assert_array_equal(napari_window.layers["cells restored (fake)"].data, image + 1)


def test_closing_the_panel_cancels(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    fake_core.tiles, fake_core.delay = 1000, 0.02
    napari_window.add_image(image)
    panel = open_panel()
    click(qtbot, panel.restore_button)
    wait_until(qtbot, lambda: panel.display.bar.value() > 0)
    dock = napari_window.window.dock_widgets  # the panel itself is what is docked
    assert len(dock) == 1
    napari_window.window.remove_dock_widget(panel.parent())
    wait_until(qtbot, lambda: fake_core.closed == ["cancelled"])
    assert len(napari_window.layers) == 1
    napari_window.add_image(image)  # the closed panel listens to nothing any more
    assert panel.form.layer_combo.count() == 1


def test_closing_the_window_cancels(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    fake_core.tiles, fake_core.delay = 1000, 0.02
    napari_window.add_image(image)
    panel = open_panel()
    click(qtbot, panel.restore_button)
    wait_until(qtbot, lambda: panel.display.bar.value() > 0)
    napari_window.close()
    wait_until(qtbot, lambda: fake_core.closed == ["cancelled"])


def test_warnings_of_the_run_are_shown(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    fake_core.warnings = ["Memory was short; the tile size was halved to 64."]
    napari_window.add_image(image)
    panel = open_panel()
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    assert "halved to 64" in panel.display.messages.text()


def test_command_repeats_the_settings(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    from qtpy.QtWidgets import QApplication

    napari_window.add_image(image, name="my cells")
    panel = open_panel()
    panel.form.tile_spin.setValue(256)
    panel.form.normalise_combo.setCurrentIndex(1)
    panel.form.nonfinite_combo.setCurrentIndex(1)
    copy(qtbot, panel)
    comment, line = QApplication.clipboard().text().splitlines()
    assert comment.startswith("# The layer 'my cells' is not a file yet")
    assert line.startswith("dgno restore my-cells.tif -o my-cells-restored.tif ")
    assert "--axes ZYX" in line
    assert "--tile 256" in line
    assert "--normalise plane" in line
    assert "--nonfinite keep" in line
    panel.form.tile_spin.setValue(0)
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    copy(qtbot, panel)  # now the tile that was really used is known
    assert "--tile 128" in QApplication.clipboard().text()


def test_preview_restores_what_is_on_screen(
    napari_window: Any,
    open_panel: Any,
    fake_core: Any,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_dgno.restore.work import Previewed

    regions = []
    known = []

    def previewing(source: Any, config: Any, models: Any, region: Any, before: Any) -> Any:
        regions.append(region)
        known.append(before)
        block = source.read(source.layout().index(region.position))[region.y, region.x]
        yield Previewed(block + 1, region, measured)

    measured = object()

    monkeypatch.setattr("napari_dgno.restore.work.previewing", previewing)
    image = np.arange(4 * 200 * 300, dtype=np.uint16).reshape(4, 200, 300)
    original = napari_window.add_image(image, name="cells", scale=(3, 2, 2))
    panel = open_panel()
    napari_window.dims.set_current_step(0, 2)
    napari_window.scene.camera.zoom *= 6
    wait_until(qtbot, lambda: np.ptp(original.corner_pixels[:, 2]) < 200)
    click(qtbot, panel.preview_button)
    wait_idle(qtbot, panel)
    preview = napari_window.layers["cells preview"]
    (region,) = regions
    assert region.position == (2,)
    assert region.x.stop - region.x.start < 200
    np.testing.assert_array_equal(preview.data[0], image[2, region.y, region.x] + 1)
    for corner in [(0, 0, 0), (0, 5, 7)]:
        place = preview.data_to_world(corner)
        inside = original.world_to_data(place).round().astype(int)
        assert preview.data[corner] == image[tuple(inside)] + 1
    click(qtbot, panel.preview_button)
    wait_idle(qtbot, panel)
    last = napari_window.layers["cells preview"]
    kept = type(last).create(*last.as_layer_data_tuple())
    kept.name = "kept by the user"
    napari_window.layers.append(kept)
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    assert known == [None, measured]  # what is known of the stack is handed on
    names = [layer.name for layer in napari_window.layers]
    assert names == ["cells", "kept by the user", "cells restored (fake)"]


def test_command_is_found_while_the_window_goes_on(
    napari_window: Any,
    open_panel: Any,
    image: np.ndarray,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import threading

    from qtpy.QtWidgets import QApplication

    threads: list[threading.Thread] = []

    def command_text(source: Any, config: Any) -> str:
        threads.append(threading.current_thread())
        return "dgno restore"

    monkeypatch.setattr("napari_dgno.restore.work.command_text", command_text)
    napari_window.add_image(image)
    panel = open_panel()
    copy(qtbot, panel)
    assert QApplication.clipboard().text() == "dgno restore"
    assert "Copied" in panel.display.status.text()
    assert threads != []
    assert threading.main_thread() not in threads  # it may open a file


def test_deleted_images_are_not_kept(
    napari_window: Any, open_panel: Any, fake_core: Any, image: np.ndarray, qtbot: Any
) -> None:
    import gc
    import weakref

    panel = open_panel()
    pixels = image.copy()
    kept = weakref.ref(pixels)
    layer = napari_window.add_image(pixels, name="cells")
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    copy(qtbot, panel)
    napari_window.layers.clear()
    del pixels, layer
    napari_window.add_image(image, name="other")
    qtbot.wait(200)
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize(
    ("pixels", "rgb", "axes", "expected"),
    [
        (np.zeros((40, 40, 3), np.uint8), True, None, "colour"),
        (np.zeros((40, 40, 3), np.float32), True, None, "grey"),  # as the core sees it
        (np.zeros((40, 40, 3), np.uint8), False, "YXC", "colour"),
        (np.zeros((3, 40, 40), np.uint8), False, "ZY", "grey"),  # still typing
    ],
)
def test_card_is_that_of_the_model_that_automatic_takes(
    pixels: np.ndarray,
    rgb: bool,
    axes: str | None,
    expected: str,
    napari_window: Any,
    open_panel: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dgno_core.models.card import ModelCard

    def find_card(model: str, *, colour: bool, folder: Any) -> ModelCard:
        return ModelCard(name="colour" if colour else "grey", config={"kind": "dgno"})

    monkeypatch.setattr("napari_dgno.restore.panel.find_card", find_card)
    panel = open_panel()
    napari_window.add_image(pixels, rgb=rgb)
    if axes is not None:
        panel.form.axes_edit.setText(axes)
    assert panel.form.summary.line.text().startswith(f"{expected}:")


def test_panel_fits_a_narrow_and_low_dock(
    open_panel: Any, napari_window: Any, image: np.ndarray, qtbot: Any
) -> None:
    napari_window.add_image(image, name="a layer with a very long name that nobody can shorten")
    panel = open_panel()
    panel.display.set_error("One sentence that has to be broken into lines. " * 5)
    panel.form.set_summary("What a model is for, and what it is not for. " * 6, "a model")
    panel.form.summary.button.click()
    panel.setParent(None)  # a window of its own can be made as small as one likes
    panel.show()
    panel.resize(300, 200)
    wait_until(qtbot, lambda: panel.width() == 300)
    qtbot.wait(50)
    for label in (panel.display.messages, panel.form.summary.whole):
        assert label.height() >= label.heightForWidth(label.width())
    panel.close()


def test_every_control_explains_itself(open_panel: Any) -> None:
    from qtpy.QtWidgets import QComboBox, QLineEdit, QPushButton, QSpinBox

    panel = open_panel()
    controls = [
        widget
        for kind in (QComboBox, QLineEdit, QPushButton, QSpinBox)
        for widget in panel.findChildren(kind)
        if widget.objectName() != "qt_spinbox_lineedit"
    ]
    assert len(controls) >= 10
    assert [widget for widget in controls if not widget.toolTip()] == []


def test_a_result_can_be_checked(
    napari_window: Any,
    open_panel: Callable[[], Any],
    fake_core: Any,
    analyses: Any,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    from napari_dgno.inspect.panel import InspectPanel

    original = napari_window.add_image(image, name="cells")
    panel = open_panel()
    assert not panel.check_button.isVisible()
    panel.form.model_chooser.set_model("dgno-face-small")
    panel.form.normalise_combo.setCurrentIndex(1)
    panel.restore()
    qtbot.waitUntil(panel.check_button.isVisible, timeout=60_000)
    qtbot.waitUntil(panel.restore_button.isEnabled, timeout=60_000)
    panel.check_button.click()
    docked = napari_window.window.dock_widgets.values()
    inspect = next(widget for widget in docked if isinstance(widget, InspectPanel))
    qtbot.waitUntil(lambda: not inspect.is_running, timeout=60_000)
    assert inspect.trust.isVisible()
    assert inspect.form.layer_combo.layer() is original
    assert inspect.form.model_chooser.model() == "dgno-face-small"
    assert analyses.calls == ["trust"]
    assert inspect.trust.verdict.text()
    assert inspect.form.config().normalise == "plane"
    # The map is what one sees, not the result, which lies above the image.
    shown = [layer.name for layer in napari_window.layers if layer.visible]
    assert shown[-1] == "Expected Error · cells"
    assert shown.index("cells restored (fake)") < len(shown) - 1


def test_the_check_is_of_the_result_and_not_of_a_run_without_one(
    napari_window: Any,
    open_panel: Callable[[], Any],
    open_inspect: Callable[[], Any],
    fake_core: Any,
    analyses: Any,
    image: np.ndarray,
    qtbot: Any,
    notified: list[str],
) -> None:
    first = napari_window.add_image(image, name="cells")
    second = napari_window.add_image(image, name="other")
    panel, inspect = open_panel(), open_inspect()
    panel.form.layer_combo.set_layer(first)
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    fake_core.delay = 0.05
    panel.form.layer_combo.set_layer(second)
    click(qtbot, panel.restore_button)
    wait_until(qtbot, lambda: panel.display.bar.value() > 0)
    panel.cancel()
    wait_idle(qtbot, panel)
    analyses.delay = 0.2
    panel.check_button.click()
    assert inspect.form.layer_combo.layer() is first
    panel.check_button.click()  # it is at work
    assert "another look goes on" in notified[-1]
    wait_until(qtbot, lambda: not inspect.is_running)
    fake_core.fail = DGNOError("That went wrong.")
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    assert "That went wrong" in panel.display.messages.text()
    assert not panel.check_button.isVisible()
    fake_core.fail = None
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    assert panel.check_button.isVisible()
    assert panel.check_button.isEnabled()
    napari_window.layers.remove(second)
    assert not panel.check_button.isEnabled()


def test_the_newest_result_lies_on_top_and_can_be_compared(
    napari_window: Any, open_panel: Any, image: np.ndarray, fake_core: Any, qtbot: Any
) -> None:
    original = napari_window.add_image(image, name="cells")
    marks = napari_window.add_points(np.zeros((1, 3)))
    panel = open_panel()
    napari_window.layers.selection.active = original
    assert not panel.save_button.isEnabled()
    for _ in range(2):
        click(qtbot, panel.restore_button)
        qtbot.waitUntil(panel.restore_button.isEnabled, timeout=20_000)
    names = [layer.name for layer in napari_window.layers]
    assert names == ["cells", "cells restored (fake)", "cells restored (fake) [1]", marks.name]
    newest = napari_window.layers[2]
    panel.compare_bar.button.click()
    assert panel.compare_bar.is_comparing
    assert not newest.visible
    panel.compare_bar.button.click()
    assert newest.visible


@pytest.mark.parametrize("ending", [".ome.tif", ".ome.zarr"])
def test_the_result_is_saved_with_its_record(
    napari_window: Any,
    open_panel: Any,
    image: np.ndarray,
    fake_core: Any,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    ending: str,
) -> None:
    from dgno_core.io import read_image

    napari_window.add_image(image, name="cells", scale=(2, 0.5, 0.5), units="um")
    panel = open_panel()
    click(qtbot, panel.restore_button)
    qtbot.waitUntil(panel.restore_button.isEnabled, timeout=20_000)
    asked = press_save(monkeypatch, str(tmp_path / "mine"), kind=ending)
    click(qtbot, panel.save_button)
    wait_idle(qtbot, panel)
    saved = read_image(tmp_path / f"mine{ending}")
    np.testing.assert_array_equal(np.asarray(saved.data), image + 1)
    assert (tmp_path / f"mine{ending}.json").is_file()
    assert "Saved as" in panel.display.status.text()
    assert asked == []
    napari_window.layers.remove(panel._results.newest)
    assert not panel.save_button.isEnabled()


@pytest.fixture
def slow_save(
    napari_window: Any,
    open_panel: Any,
    image: np.ndarray,
    fake_core: Any,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Any:
    """Return a panel that saves a result to mine.ome.tif, and notes for each plane by whom."""
    from dgno_core.io import ImageSource

    fake_core.warnings = ["cells is far out of focus."]
    napari_window.add_image(image, name="cells", rotate=(20, 0, 0))
    panel = open_panel()
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    load, panel.wrote = ImageSource.load, []

    def slowly(source: Any, index: Any) -> Any:
        panel.wrote.append(threading.current_thread() is threading.main_thread())
        time.sleep(0.3)
        return load(source, index)

    monkeypatch.setattr(ImageSource, "load", slowly)
    press_save(monkeypatch, *2 * [str(tmp_path / "mine")])
    panel.save_button.click()
    return panel


def test_a_result_is_saved_in_the_background(slow_save: Any, qtbot: Any, tmp_path: Path) -> None:
    display = slow_save.display
    assert display.status.text() == "Saving …"
    wait_until(qtbot, lambda: display.status.text().startswith("Saving: plane 1 of 3"))
    assert (display.bar.value(), display.bar.maximum()) == (1, 3)
    assert not slow_save.restore_button.isEnabled()
    assert not slow_save.save_button.isEnabled()
    wait_idle(qtbot, slow_save)
    assert slow_save.wrote == [False] * 3
    assert display.status.text() == f"Saved as {tmp_path / 'mine.ome.tif'}."
    notes = display.messages.text()
    assert "cells is far out of focus." in notes  # still to be known about the result
    assert "The rotation, shear and affine" in notes
    assert slow_save.check_button.isVisible()


def test_a_cancelled_save_leaves_the_older_file(slow_save: Any, qtbot: Any, tmp_path: Path) -> None:
    wait_idle(qtbot, slow_save)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert "mine.ome.tif" in before
    slow_save._results.newest.data = slow_save._results.newest.data + 1
    click(qtbot, slow_save.save_button)
    wait_until(qtbot, lambda: slow_save.display.status.text().startswith("Saving: plane 1 of 3"))
    click(qtbot, slow_save.display.cancel_button)
    assert "the plane in work is finished first" in slow_save.display.status.text()
    wait_idle(qtbot, slow_save)
    assert slow_save.display.status.text() == "Cancelled; nothing was written."
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_keeps_a_result_from_being_saved_is_said_in_the_panel(
    napari_window: Any,
    open_panel: Any,
    image: np.ndarray,
    fake_core: Any,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    napari_window.add_image(image, name="cells")
    panel = open_panel()
    click(qtbot, panel.restore_button)
    wait_idle(qtbot, panel)
    path = tmp_path / "gone" / "mine.ome.tif"
    monkeypatch.setattr("napari_dgno.restore.panel.ask_path", lambda *_: path)
    click(qtbot, panel.save_button)
    wait_idle(qtbot, panel)
    assert "gone does not exist" in panel.display.messages.text()
    assert panel.display.status.text() == ""
    assert panel.check_button.isVisible()  # the result is still there


def test_saving_replaces_no_file_that_the_user_did_not_agree_to(
    napari_window: Any,
    open_panel: Any,
    image: np.ndarray,
    fake_core: Any,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    precious = tmp_path / "mine.ome.tif"
    precious.write_bytes(b"precious, not an image")
    napari_window.add_image(image, name="cells")
    panel = open_panel()
    click(qtbot, panel.restore_button)
    qtbot.waitUntil(panel.restore_button.isEnabled, timeout=20_000)
    asked = press_save(monkeypatch, str(tmp_path / "mine"), "", replace=False)
    click(qtbot, panel.save_button)
    assert "mine.ome.tif exists already" in asked[0]
    assert precious.read_bytes() == b"precious, not an image"
    assert "Saved as" not in panel.display.status.text()


def test_words_about_one_layer_go_when_another_is_chosen(
    napari_window: Any, open_panel: Any, image: np.ndarray, fake_core: Any, qtbot: Any
) -> None:
    fake_core.warnings = ["cells is far out of focus."]
    napari_window.add_image(image, name="cells")
    other = napari_window.add_image(image, name="other")
    panel = open_panel()
    click(qtbot, panel.restore_button)
    qtbot.waitUntil(panel.restore_button.isEnabled, timeout=20_000)
    assert "far out of focus" in panel.display.messages.text()
    assert panel.display.status.text()
    chosen = panel.form.layer_combo.layer()
    panel.form.layer_combo.set_layer(
        other if chosen is not other else napari_window.layers["cells"]
    )
    assert panel.display.messages.text() == ""
    assert panel.display.status.text() == ""


def test_buttons_are_in_sight_on_a_small_screen(
    napari_window: Any, open_panel: Any, image: np.ndarray, qtbot: Any
) -> None:
    napari_window.add_image(image, name="cells")
    panel = open_panel()
    panel.form.set_summary("What a model is for, and what it is not for. " * 12, "a model")
    panel.setParent(None)
    panel.show()
    panel.resize(325, 380)  # what a window of 700 pixels leaves beside the list of layers
    wait_until(qtbot, lambda: panel.width() == 325)
    qtbot.wait(50)
    buttons = (panel.preview_button, panel.restore_button, panel.compare_bar, panel.save_button)
    for widget in buttons:
        assert widget.mapTo(panel, widget.rect().bottomRight()).y() < panel.height()
    summary = panel.form.summary
    assert summary.line.isVisible()
    assert not summary.whole.isVisible()
    click(qtbot, summary.button)
    assert summary.whole.isVisible()
    assert summary.whole.text().count("not for") == 12
    panel.close()


def test_rare_settings_are_out_of_sight_and_count(
    napari_window: Any, open_panel: Any, image: np.ndarray, qtbot: Any
) -> None:
    napari_window.add_image(image)
    panel = open_panel()
    rare = (panel.form.device_combo, panel.form.tile_spin, panel.form.normalise_combo)
    assert not any(field.isVisibleTo(panel) for field in rare)
    panel.form.tile_spin.setValue(256)
    assert panel.form.config().tile == 256
    click(qtbot, panel.form.advanced.button)
    assert all(field.isVisibleTo(panel) for field in rare)


def test_columns_before_rows_are_questioned(
    napari_window: Any, open_panel: Any, image: np.ndarray
) -> None:
    napari_window.add_image(image[0])
    panel = open_panel()
    assert panel.form.axes_words.text() == "rows, columns"
    assert not panel.form.notes.isVisibleTo(panel)
    panel.form.axes_edit.setText("xy")
    assert panel.form.axes_words.text() == "columns, rows"
    assert panel.form.notes.isVisibleTo(panel)
    assert "X before Y" in panel.form.notes.text()
    panel.form.axes_edit.setText("YX")
    assert not panel.form.notes.isVisibleTo(panel)


@pytest.mark.parametrize("when", ["after", "during"])
def test_an_error_goes_with_its_layer(
    napari_window: Any,
    open_panel: Any,
    image: np.ndarray,
    fake_core: Any,
    qtbot: Any,
    notified: list[str],
    when: str,
) -> None:
    fake_core.fail, fake_core.delay = DGNOError("'cells' cannot be restored."), 0.3
    napari_window.add_image(image, name="other")
    cells = napari_window.add_image(image, name="cells")
    panel = open_panel()
    panel.form.layer_combo.set_layer(cells)
    click(qtbot, panel.restore_button)
    if when == "during":
        napari_window.layers.remove(cells)
    wait_idle(qtbot, panel)
    assert "cannot be restored" in notified[-1]
    if when == "after":
        assert "cannot be restored" in panel.display.messages.text()
        napari_window.layers.remove(cells)
    assert panel.display.messages.text() == ""
    assert panel.display.status.text() == ""
