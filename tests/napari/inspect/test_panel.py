"""The Inspect panel in a real window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from dgno_core.errors import DGNOError
from support.analysis_panels import analyse, said
from support.fake_analyses import FakeAnalyses
from support.train_panel import click, wait_until

pytestmark = pytest.mark.gui
Open = Callable[[], Any]


def draw(viewer: Any, panel: Any, corners: list[tuple[float, ...]]) -> Any:
    """Draw a rectangle as a user does: press the button, then drag."""
    panel.attribution.draw_button.click()
    shapes = viewer.layers.selection.active
    assert shapes.mode == "add_rectangle"
    shapes.add_rectangles(np.array(corners))
    return shapes


def names(viewer: Any) -> list[str]:
    return [layer.name for layer in viewer.layers]


def shown_maps(viewer: Any) -> list[str]:
    return [layer.name for layer in viewer.layers if " · " in layer.name and layer.visible]


def test_a_map_lies_over_the_current_plane_of_a_scaled_stack(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    original = napari_window.add_image(
        image, name="cells", scale=(2, 0.5, 0.5), translate=(1, 2, 3), units=("µm",) * 3
    )
    napari_window.dims.set_current_step(0, 2)
    panel = open_inspect()
    assert panel.form.axes_edit.text() == "ZYX"
    analyse(qtbot, panel, panel.operator.button)
    layer = napari_window.layers[1]
    assert layer.name == "Flux part (half size, 1st operator) · cells"
    assert layer.data.shape == (1, 32, 40)
    np.testing.assert_allclose(layer.scale, (2, 1, 1))
    np.testing.assert_allclose(
        layer.data_to_world((0, 3, 4)), original.data_to_world((2, 6.5, 8.5))
    )
    assert napari_window.layers.selection.active is layer
    assert panel.form.layer_combo.layer() is original
    assert panel.form.layer_combo.count() == 1  # a map is no image to look into
    legend = panel.legends.shown()[0]
    assert "Bright is much." in legend.meaning.text()
    assert "feature units" in legend.title.text()


def test_the_second_look_is_known_and_one_at_changed_pixels_is_not(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    analyses.note = "The pixels are large."
    layer = napari_window.add_image(image, name="cells")
    panel = open_inspect()
    analyse(qtbot, panel, panel.operator.button)
    assert "The pixels are large." in said(panel)
    analyse(
        qtbot, panel, panel.operator.button
    )  # its pixels are compared, and nothing else is done
    assert analyses.calls == ["operator"]
    assert len(napari_window.layers) == 2
    assert len(panel.legends.shown()) == 1
    assert "The pixels are large." in said(panel)
    for change in (
        lambda: panel.operator.iteration_spin.setValue(2),
        lambda: panel.operator.head_spin.setValue(3),
        lambda: panel.form.model_chooser.set_model("dgno-face-small"),
        lambda: napari_window.dims.set_current_step(0, 0),
        lambda: layer.data.__setitem__((0, 5, 5), 7),
    ):
        before = len(analyses.calls)
        change()
        analyse(qtbot, panel, panel.operator.button)
        assert len(analyses.calls) == before + 1


def test_only_the_newest_map_of_an_image_is_on_show(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    napari_window.add_image(image[0], name="cells")
    panel = open_inspect()
    analyse(qtbot, panel, panel.operator.button)
    panel.operator.show_combo.setCurrentIndex(panel.operator.show_combo.findData("face_flux"))
    panel.operator.grid_box.setChecked(True)
    analyse(qtbot, panel, panel.operator.button)
    assert shown_maps(napari_window) == [
        "Element grid (half size, 1st operator) · cells",
        "Faces: flux (half size, 1st operator) · cells",
    ]
    (legend,) = panel.legends.shown()
    assert legend.legend.title == "Faces: flux (half size, 1st operator)"
    assert "outer frame" in legend.meaning.text()
    assert "zero stands for the neighbour" in legend.meaning.text()
    napari_window.layers.remove(napari_window.layers[-1])
    assert panel.legends.shown() == []


def test_the_legend_follows_contrast_and_visibility(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    napari_window.add_image(image[0], name="cells")
    panel = open_inspect()
    panel.operator.head_spin.setValue(1)
    panel.operator.dimension_spin.setValue(2)
    analyse(qtbot, panel, panel.operator.button)
    layer = napari_window.layers[-1]
    (legend,) = panel.legends.shown()
    assert legend.middle.text() == "0"  # signed: zero stands in the middle
    layer.contrast_limits_range = (0, 8)
    layer.contrast_limits = (0.25, 0.5)
    assert legend.low.text() == "0.25"
    assert legend.high.text() == "0.5"
    layer.visible = False
    assert panel.legends.shown() == []
    assert not panel.legends.isVisible()


def test_models_without_faces_are_explained(
    napari_window: Any, open_inspect: Open, image: np.ndarray, monkeypatch: Any
) -> None:
    napari_window.add_image(image[0])
    panel = open_inspect()
    monkeypatch.setattr("napari_dgno.inspect.operator.has_faces", lambda card: False)
    panel.operator.refresh()
    assert not panel.operator.button.isEnabled()
    assert "no operators with faces" in panel.operator.explanation.text()


def test_the_rectangle_becomes_a_window_and_two_models_lie_side_by_side(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    original = napari_window.add_image(image[0], name="cells", scale=(0.5, 0.5))
    panel = open_inspect()
    panel.open_section(panel.attribution)
    draw(napari_window, panel, [(7.5, 9.5), (7.5, 29.5), (23.5, 29.5), (23.5, 9.5)])
    analyse(qtbot, panel, panel.attribution.button)
    window = analyses.window
    assert (window.y, window.x, window.height, window.width) == (8, 10, 16, 20)
    layer = napari_window.layers["Attribution, auto · cells"]
    np.testing.assert_allclose(layer.data_to_world((0, 0)), original.data_to_world((4, 6)))
    assert "12.5" in panel.attribution.result.text()
    assert "diffusion index" in panel.attribution.result.text()
    panel.form.second_chooser.set_model("dgno-face-small")
    analyse(qtbot, panel, panel.attribution.button)
    second = napari_window.layers["Attribution, dgno-face-small, beside · cells"]
    pixels = napari_window.layers["The same pixels, beside · cells"]
    assert second.visible
    np.testing.assert_allclose(second.translate, pixels.translate)
    assert second.extent.world[0][1] > original.extent.world[1][1]
    assert napari_window.layers.index(second) > napari_window.layers.index(pixels)
    assert "17.5" in panel.attribution.result.text()


def test_of_a_large_plane_what_is_on_screen_is_looked_at_and_that_is_said(
    napari_window: Any, open_inspect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    large = np.random.default_rng(0).integers(0, 4000, (700, 900)).astype(np.uint16)
    napari_window.add_image(large, name="field")
    panel = open_inspect()
    qtbot.wait(200)  # until it was drawn
    analyse(qtbot, panel, panel.operator.button)
    region = panel.form.place().region
    assert (region.y.stop - region.y.start, region.x.stop - region.x.start) == (512, 512)
    assert "512 × 512 pixels of the view" in said(panel)
    layer = napari_window.layers[-1]
    np.testing.assert_allclose(layer.translate, (region.y.start + 0.5, region.x.start + 0.5))


def test_what_is_missing_is_said_in_a_sentence(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
    notified: list[str],
) -> None:
    panel = open_inspect()
    panel.trust.button.click()
    assert "no image to look into" in notified[-1]
    napari_window.add_image(image[0], name="cells")
    panel.attribution.button.click()
    assert "no rectangle" in notified[-1]
    draw(napari_window, panel, [(200, 200), (200, 220), (220, 220), (220, 200)])
    panel.attribution.button.click()
    assert "outside of 'cells'" in notified[-1]
    panel.form.axes_edit.setText("ZYX")
    panel.trust.button.click()
    assert "'cells'" in notified[-1]
    assert analyses.calls == []
    assert "Not done" in said(panel)


def test_trust_shows_one_map_at_a_time_and_says_the_sentence(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    napari_window.add_image(image[0], name="cells")
    panel = open_inspect()
    assert panel.tabs.tabText(panel.tabs.currentIndex()) == "Trust"  # the first one
    panel.form.second_chooser.set_model("dgno-face-small")
    camera = napari_window.scene.camera
    camera.zoom, camera.center = 7, (0, 20, 30)
    analyse(qtbot, panel, panel.trust.button)
    assert camera.zoom == 7
    np.testing.assert_allclose(camera.center[-2:], (20, 30))
    assert panel.trust.map_combo.count() == 5
    restored = ["Restored · cells", "Restored, beside · cells"]
    assert shown_maps(napari_window) == [*restored, "Expected Error · cells"]
    assert panel.trust.verdict.text() == "Nothing speaks against it."
    assert panel.trust.result.text() == "The expected error is about 1 %."
    wait_until(qtbot, panel.trust.verdict.isVisible)
    heights = [label.fontMetrics().height() for label in (panel.trust.verdict, panel.trust.result)]
    assert heights[0] > heights[1]
    assert panel.trust.verdict.y() < panel.trust.result.y()
    panel.trust.map_combo.setCurrentIndex(1)
    panel.trust.map_combo.activated.emit(1)
    assert shown_maps(napari_window) == [*restored, "Residual · cells"]
    assert "What residual means." in panel.legends.shown()[0].meaning.text()
    napari_window.layers.remove(napari_window.layers["Residual · cells"])
    assert panel.trust.map_combo.count() == 4


def test_the_restored_image_lies_over_its_part_and_once_more_beside_a_whole_plane(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    original = napari_window.add_image(
        image[0], name="cells", scale=(0.5, 0.5), colormap="green", contrast_limits=(5, 900)
    )
    panel = open_inspect()
    analyse(qtbot, panel, panel.trust.button)
    over = napari_window.layers["Restored · cells"]
    beside = napari_window.layers["Restored, beside · cells"]
    for restored in (over, beside):
        assert restored.visible
        np.testing.assert_allclose(restored.contrast_limits, (5, 900))
        assert restored.colormap.name == "green"
    np.testing.assert_allclose(over.extent.world, original.extent.world)
    assert beside.extent.world[0][1] > original.extent.world[1][1]
    assert panel.form.layer_combo.count() == 1  # it is no image to look into
    large = napari_window.add_image(np.tile(image[0], (11, 11)), name="field")
    panel.form.layer_combo.set_layer(large)
    qtbot.wait(200)  # until it was drawn
    analyse(qtbot, panel, panel.trust.button)
    part = napari_window.layers["Restored · field"]
    assert "Restored, beside · field" not in napari_window.layers
    region = panel.form.place().region
    np.testing.assert_allclose(part.translate, (region.y.start, region.x.start))
    index = napari_window.layers.index
    assert index(large) < index(part) < index(napari_window.layers["Expected Error · field"])


def comparing(viewer: Any) -> list[Any]:
    return [layer for layer in viewer.layers if layer.name.startswith("comparison: ")]


def shown(viewer: Any) -> dict[str, bool]:
    return {layer.name: layer.visible for layer in viewer.layers}


def test_trust_compares_the_image_with_what_was_restored(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    napari_window.add_image(image, name="cells", scale=(2, 0.5, 0.5))
    panel = open_inspect()
    bar = panel.trust.compare
    assert bar.isHidden()
    analyse(qtbot, panel, panel.trust.button)
    wait_until(qtbot, bar.button.isVisible)
    was = shown(napari_window)
    click(qtbot, bar.button)
    _, part, line = comparing(napari_window)
    restored = napari_window.layers["Restored · cells"]
    assert part.data.shape == (1, 64, 40)
    assert np.shares_memory(part.data, restored.data)
    assert not restored.visible
    bar.slider.setValue(750)
    assert part.data.shape == (1, 64, 20)
    ends = [line.data_to_world((end, 0))[-1] for end in (-0.5, 0.5)]
    np.testing.assert_allclose(ends, 0.5 * 59.5)
    qtbot.wait(100)  # drawn
    qtbot.mousePress(bar.hold_button, Qt.MouseButton.LeftButton)
    assert not part.visible
    assert not restored.visible
    qtbot.mouseRelease(bar.hold_button, Qt.MouseButton.LeftButton)
    assert part.visible
    click(qtbot, bar.button)
    assert shown(napari_window) == was
    qtbot.mousePress(bar.hold_button, Qt.MouseButton.LeftButton)  # without the line, too
    assert not restored.visible
    qtbot.mouseRelease(bar.hold_button, Qt.MouseButton.LeftButton)
    assert shown(napari_window) == was


@pytest.mark.parametrize("end", ["look", "image", "layer", "other", "panel"])
def test_a_comparison_of_trust_ends_with_what_it_compares(
    end: str,
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    original = napari_window.add_image(image[0], name="cells", blending="additive")
    panel = open_inspect()
    analyse(qtbot, panel, panel.trust.button)
    bar = panel.trust.compare
    was = shown(napari_window)
    click(qtbot, bar.button)
    assert comparing(napari_window)
    if end == "look":
        analyse(qtbot, panel, panel.trust.button)
    elif end == "image":
        napari_window.layers.remove(original)
    elif end == "layer":
        napari_window.layers.remove("Restored · cells")
    elif end == "other":
        other = napari_window.add_image(image[1], name="others")
        panel.form.layer_combo.set_layer(other)
    else:
        napari_window.window.remove_dock_widget(panel)
    wait_until(qtbot, lambda: comparing(napari_window) == [])
    now = shown(napari_window)
    assert now == {name: was.get(name, True) for name in now}
    if end != "panel":
        assert not bar.is_comparing
        assert not bar.button.isChecked()
        assert bar.button.isEnabled() is (end in ("look", "other"))


def test_the_words_of_a_scale_hold_for_its_own_limits_only(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    napari_window.add_image(image[0], name="cells")
    panel = open_inspect()
    analyse(qtbot, panel, panel.trust.button)
    (legend,) = panel.legends.shown()
    wait_until(qtbot, legend.words.isVisible)
    layer = napari_window.layers["Expected Error · cells"]
    layer.contrast_limits_range = (0, 80)
    layer.contrast_limits = (0, 40)
    wait_until(qtbot, lambda: not legend.words.isVisible())
    layer.contrast_limits = (0, 10)
    wait_until(qtbot, legend.words.isVisible)


def test_words_go_with_their_image(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
    notified: list[str],
) -> None:
    panel = open_inspect()
    assert panel.form.layer_combo.placeholderText() == "Open an image first"
    panel.trust.button.click()
    assert "no image" in said(panel)
    first = napari_window.add_image(image[0], name="cells")
    assert said(panel).strip() == ""
    analyse(qtbot, panel, panel.trust.button)
    wait_until(qtbot, panel.trust.verdict.isVisible)
    wait_until(qtbot, panel.trust.chooser.isVisible)
    other = napari_window.add_image(image[1], name="others")
    panel.form.layer_combo.set_layer(other)
    wait_until(qtbot, lambda: not panel.trust.verdict.isVisible())
    assert not panel.trust.chooser.isVisible()
    assert said(panel).strip() == ""
    panel.form.layer_combo.set_layer(first)
    wait_until(qtbot, panel.trust.verdict.isVisible)
    napari_window.layers.clear()
    wait_until(qtbot, lambda: not panel.trust.verdict.isVisible())
    assert said(panel).strip() == ""


def test_napari_lives_when_layers_are_cleared_between_two_looks(
    napari_window: Any, open_inspect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    analyses.steps, analyses.delay = 8, 0.05
    pixels = np.random.default_rng(0).integers(0, 4000, (256, 256)).astype(np.uint16)
    panel = open_inspect()
    for name in ("first", "second", "third"):
        napari_window.add_image(pixels.copy(), name=name)
        qtbot.wait(300)  # until it was drawn
        analyse(qtbot, panel, panel.trust.button)
        qtbot.wait(300)
        napari_window.layers.clear()
    assert said(panel).strip() == ""


def test_a_result_is_checked_from_outside(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
    notified: list[str],
) -> None:
    first = napari_window.add_image(image[0], name="cells")
    napari_window.add_image(image[1], name="others")
    panel = open_inspect()
    panel.open_section(panel.operator)
    panel.check_result(first, model="dgno-face-small", axes="YX")
    qtbot.waitUntil(lambda: not panel.is_running, timeout=60_000)
    assert panel.trust.isVisible()
    assert panel.form.layer_combo.layer() is first
    assert panel.form.model_chooser.model() == "dgno-face-small"
    assert analyses.calls == ["trust"]
    assert panel.trust.verdict.text()
    napari_window.layers.remove(first)
    panel.check_result(first)
    assert "'cells' is gone" in notified[-1]


def test_a_colour_image_asks_a_grey_model_for_the_channel_only(
    napari_window: Any, open_inspect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    napari_window.add_image(colours, name="tissue", rgb=True)
    panel = open_inspect()
    assert not panel.form.channel_combo.isVisible()
    panel.form.model_chooser.set_model("dgno-cell-small")
    wait_until(qtbot, panel.form.channel_combo.isVisible)
    assert panel.form.channel() == 1
    analyse(qtbot, panel, panel.operator.button)
    assert napari_window.layers[-1].data.shape == (24, 32)


def test_cancel_adds_nothing_and_gives_the_controls_back(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    analyses.steps, analyses.delay = 200, 0.05
    napari_window.add_image(image[0], name="cells")
    panel = open_inspect()
    click(qtbot, panel.trust.button)
    assert not panel.trust.button.isEnabled()
    wait_until(qtbot, lambda: panel.display.bar.value() > 1)
    click(qtbot, panel.display.cancel_button)
    wait_until(qtbot, lambda: not panel.is_running)
    assert len(napari_window.layers) == 1
    assert analyses.closed == ["cancelled"]
    assert "Cancelled" in said(panel)
    analyses.steps, analyses.delay = 2, 0.0
    analyse(qtbot, panel, panel.trust.button)  # nothing was kept of the cancelled one
    assert analyses.calls == ["trust", "trust"]


def test_a_layer_that_is_deleted_during_the_work_gets_no_maps(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    analyses.steps, analyses.delay = 4, 0.1
    napari_window.add_image(image[0], name="cells")
    panel = open_inspect()
    click(qtbot, panel.operator.button)
    napari_window.layers.clear()
    wait_until(qtbot, lambda: not panel.is_running)
    assert names(napari_window) == []
    assert "was removed meanwhile" in said(panel)


def test_closing_the_panel_stops_the_work(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    analyses.steps, analyses.delay = 200, 0.05
    napari_window.add_image(image[0], name="cells")
    panel = open_inspect()
    click(qtbot, panel.operator.button)
    wait_until(qtbot, lambda: bool(analyses.calls))
    napari_window.window.remove_dock_widget(panel)
    wait_until(qtbot, lambda: analyses.closed == ["cancelled"])
    assert len(napari_window.layers) == 1
    napari_window.layers.clear()  # and nothing listens any longer


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (DGNOError("The box is larger than <256>."), "The box is larger than <256>."),
        (RuntimeError("mat1 and mat2"), "stopped unexpectedly (RuntimeError)"),
    ],
)
def test_errors_of_the_work_are_said_and_nothing_is_kept(
    error: Exception,
    shown: str,
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    notified: list[str],
) -> None:
    from html import unescape

    from napari.utils.notifications import notification_manager

    # napari's test support would raise the notified error in the window's thread
    monkeypatch.setattr(notification_manager, "receive_error", lambda *_: None)
    analyses.fail = error
    napari_window.add_image(image[0], name="cells")
    panel = open_inspect()
    panel.trust.button.click()
    wait_until(qtbot, lambda: not panel.is_running)
    assert shown in unescape(said(panel))
    assert len(napari_window.layers) == 1
    assert panel.cache.size == 0


def test_the_panel_stays_whole_in_a_narrow_dock(
    napari_window: Any,
    open_inspect: Open,
    analyses: FakeAnalyses,
    image: np.ndarray,
    qtbot: Any,
) -> None:
    napari_window.add_image(image[0], name="a rather long name of an image, as microscopes give")
    panel = open_inspect()
    for index in range(3):
        panel.tabs.setCurrentIndex(index)
        qtbot.wait(50)
        assert panel.minimumSizeHint().width() <= 350
