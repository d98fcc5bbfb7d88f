"""The line between before and after: what each side shows, and that nothing of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr
from napari.components import ViewerModel
from napari.layers import Image
from napari.plugins import io as napari_io
from qtpy.QtCore import Qt

from dgno_core.errors import DGNOError
from dgno_core.training.runs.preview import PairsFound
from napari_dgno.shared.compare import CompareBar
from napari_dgno.shared.curtain import Curtain
from napari_dgno.shared.layer_combo import image_combo
from napari_dgno.shared.layers import COMPARE_KEY, output_layer
from napari_dgno.train.layers import PairView

pytestmark = pytest.mark.gui

RNG = np.random.default_rng(3)


def pair(viewer: Any, before: Any, **keywords: Any) -> tuple[Image, Image]:
    """Add an image and its result."""
    first = Image(before, name="cells", **keywords)
    data = np.asarray(first.data[0] if first.multiscale else first.data)
    second = output_layer(data + np.ones((), data.dtype), like=first)
    viewer.layers.extend([first, second])
    return first, second


def added(viewer: Any) -> list[Image]:
    return [
        layer
        for layer in viewer.layers
        if COMPARE_KEY in layer.metadata and layer.name != "comparison: line"
    ]


def sides(viewer: Any) -> list[Image]:
    return [layer for layer in added(viewer) if layer.visible]


def state(viewer: Any) -> list[tuple[Any, ...]]:
    return [
        (layer.name, layer.visible, layer.blending, layer.opacity, tuple(layer.translate))
        for layer in viewer.layers
    ] + [viewer.layers.selection.active]


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


STACK = RNG.integers(0, 900, (3, 40, 64)).astype(np.uint16)
COLOUR = RNG.integers(0, 200, (2, 40, 64, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("data", "keywords"),
    [
        (STACK[0], {}),
        (STACK, {"scale": (3, 0.5, 0.25), "translate": (1, 2, 3), "rotate": 20}),
        (COLOUR, {"rgb": True}),
        (da.from_array(STACK), {}),
        (zarr.array(STACK), {}),
        ([STACK, STACK[:, ::2, ::2]], {"multiscale": True}),
    ],
    ids=["plane", "turned stack", "colour", "dask", "zarr", "pyramid"],
)
@pytest.mark.parametrize("blending", ["translucent_no_depth", "additive"])
def test_each_side_shows_its_image_and_nothing_stays(
    viewer: ViewerModel, data: Any, keywords: dict[str, Any], blending: str
) -> None:
    before, after = pair(viewer, data, blending=blending, **keywords)
    was = state(viewer)
    curtain = Curtain(viewer, before, after)
    curtain.move(0.25)
    assert not after.visible
    shown_sides = sides(viewer)
    assert len(shown_sides) == 1 + (blending == "additive")
    assert before.visible is (blending != "additive")
    right = shown_sides[-1]
    axis = after.ndim - 1
    shown = np.asarray(right.data)
    np.testing.assert_array_equal(shown, after.data[(slice(None),) * axis + (slice(16, None),)])
    if isinstance(after.data, np.ndarray):
        assert np.shares_memory(shown, after.data)
    first = np.zeros(after.ndim)
    there = first.copy()
    there[axis] = 16
    np.testing.assert_allclose(right.data_to_world(first), after.data_to_world(there))
    if blending == "additive":
        left = shown_sides[0]
        full = left.data[0] if left.multiscale else left.data
        assert full.shape[axis] == 16
        np.testing.assert_allclose(left.data_to_world(first), before.data_to_world(first))
    for position in (0.0, 0.5, 1.0):
        curtain.move(position)
        assert right.visible is (position < 1)
    curtain.close()
    curtain.close()
    assert state(viewer) == was


def test_a_preview_is_compared_where_it_lies(viewer: ViewerModel) -> None:
    before = viewer.add_image(STACK, name="cells")
    after = viewer.add_image(STACK[1:2, 8:24, 16:48] + 1, translate=(1, 8, 16))
    viewer.dims.set_current_step(0, 1)
    curtain = Curtain(viewer, before, after)
    (right,) = sides(viewer)
    np.testing.assert_allclose(right.translate, (1, 8, 32))
    assert before.visible
    curtain.close()
    assert (before.visible, after.visible) == (True, True)


def test_the_line_lies_on_the_border_of_the_pixels(viewer: ViewerModel) -> None:
    before, after = pair(viewer, STACK, scale=(3, 0.5, 0.25), translate=(1, 2, 3))
    curtain = Curtain(viewer, before, after)
    line = viewer.layers["comparison: line"]
    for position, column in ((0.5, 32), (0.75, 48)):
        curtain.move(position)
        ends = np.array([line.data_to_world(end) for end in ((-0.5, 0), (0.5, 0))])
        np.testing.assert_allclose(ends[:, 1], 3 + 0.25 * (column - 0.5))
        np.testing.assert_allclose(ends[:, 0], 2 + 0.5 * np.array([-0.5, 39.5]))


@pytest.mark.parametrize("order", [(0, 2, 1), (1, 0, 2), (2, 0, 1)])
def test_other_axes_on_screen_are_not_compared(viewer: ViewerModel, order: tuple[int, ...]) -> None:
    before, after = pair(viewer, STACK)
    was = state(viewer)
    viewer.dims.order = order
    with pytest.raises(DGNOError, match="change the order of the axes"):
        Curtain(viewer, before, after)
    assert state(viewer) == was


def test_what_is_selected_stays_so(viewer: ViewerModel) -> None:
    before, after = pair(viewer, STACK)
    other = viewer.add_points([(0, 1, 1)])
    viewer.layers.selection = {before, other}
    curtain = Curtain(viewer, before, after)
    assert viewer.layers.selection == {before, other}
    curtain.close()
    assert viewer.layers.selection == {before, other}
    curtain = Curtain(viewer, before, after)
    viewer.layers.selection = {after, other}
    curtain.close()
    assert viewer.layers.selection == {after, other}


@pytest.mark.parametrize("blending", ["translucent_no_depth", "additive"])
def test_what_is_changed_on_a_side_is_kept(viewer: ViewerModel, blending: str) -> None:
    before, after = pair(viewer, STACK, blending=blending)
    curtain = Curtain(viewer, before, after)
    left, right = added(viewer)
    right.contrast_limits, right.gamma, right.colormap = (100, 300), 0.5, "green"
    left.contrast_limits = (50, 400)
    curtain.close()
    assert (after.contrast_limits, after.gamma, after.colormap.name) == ([100, 300], 0.5, "green")
    assert (before.contrast_limits, before.gamma) == ([50, 400], 1)
    right.gamma = 2  # gone
    assert after.gamma == 0.5


def test_a_result_that_becomes_see_through_leaves_the_original_on_its_side(
    viewer: ViewerModel,
) -> None:
    before, after = pair(viewer, STACK)
    curtain = Curtain(viewer, before, after)
    left, right = added(viewer)
    assert (before.visible, left.visible) == (True, False)
    after.opacity = 0.5
    assert (before.visible, left.visible, right.opacity) == (False, True, 0.5)
    after.opacity = 1
    assert (before.visible, left.visible, right.opacity) == (True, False, 1)
    after.blending = "additive"
    assert (before.visible, left.visible, right.blending) == (False, True, "additive")
    curtain.hold(True)
    assert (before.visible, left.visible, right.visible) == (True, False, False)
    curtain.close()
    assert (before.visible, after.visible, after.blending) == (True, True, "additive")


def test_what_is_changed_on_the_result_shows_at_once(viewer: ViewerModel) -> None:
    before, after = pair(viewer, STACK)
    curtain = Curtain(viewer, before, after)
    (right,) = sides(viewer)
    after.contrast_limits = (100, 300)
    after.gamma = 0.5
    after.colormap = "green"
    assert (right.contrast_limits, right.gamma, right.colormap.name) == ([100, 300], 0.5, "green")
    curtain.close()


def test_holding_shows_the_original(viewer: ViewerModel) -> None:
    for blending in ("translucent_no_depth", "additive"):
        before, after = pair(viewer, STACK, blending=blending)
        curtain = Curtain(viewer, before, after)
        curtain.hold(True)
        assert before.visible
        assert not any(layer.visible for layer in viewer.layers if COMPARE_KEY in layer.metadata)
        curtain.hold(False)
        assert viewer.layers["comparison: line"].visible
        assert len(sides(viewer)) == 1 + (blending == "additive")
        assert before.visible is (blending != "additive")
        curtain.close()


@pytest.mark.parametrize("what", ["before", "after", "part", "3D", "axes"])
def test_it_closes_when_there_is_nothing_left_to_compare(viewer: ViewerModel, what: str) -> None:
    before, after = pair(viewer, STACK)
    closed: list[bool] = []
    curtain = Curtain(viewer, before, after, on_close=lambda: closed.append(True))
    if what == "3D":
        viewer.dims.ndisplay = 3
    elif what == "axes":
        viewer.dims.order = (1, 0, 2)
    else:
        gone = {"before": before, "after": after, "part": added(viewer)[0]}[what]
        viewer.layers.remove(gone)
    assert closed == [True]
    assert not added(viewer)
    assert after.visible
    curtain.close()
    assert closed == [True]


def test_a_layer_that_the_user_hides_stays_hidden(viewer: ViewerModel) -> None:
    before, after = pair(viewer, STACK)
    Curtain(viewer, before, after)
    before.visible = False
    assert not added(viewer)
    assert (before.visible, after.visible) == (False, True)


def test_volumes_are_not_compared(viewer: ViewerModel) -> None:
    layers = pair(viewer, STACK)
    viewer.dims.ndisplay = 3
    with pytest.raises(DGNOError, match="Only planes can be compared"):
        Curtain(viewer, *layers)


@pytest.mark.parametrize("what", ["all", "a side", "the line"])
def test_its_own_layers_are_never_saved(
    bar: CompareBar,
    napari_window: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    npe2pm: Any,
    what: str,
) -> None:
    """The menu's dialog saves the layers as they were, to a folder or to one file."""
    from npe2 import PluginManifest
    from qtpy.QtWidgets import QFileDialog

    builtins = PluginManifest.from_file(Path(str(files("napari_builtins") / "builtins.yaml")))
    npe2pm.register(builtins)
    before, after = pair(napari_window, STACK)
    napari_window.layers.selection = {before}
    bar.set_layers(before, after)
    bar.button.click()
    _, side = added(napari_window)
    if what != "all":
        chosen = side if what == "a side" else napari_window.layers["comparison: line"]
        napari_window.layers.selection = {chosen}
    path, kind = (tmp_path / "all", "Save to Folder") if what == "all" else (tmp_path / "a.tif", "")
    saved: list[list[str]] = []

    def choose(*args: Any, **options: Any) -> tuple[str, str]:
        return str(path), kind

    def write(path: str, layers: list[Any], **options: Any) -> list[str]:
        saved.append([layer.name for layer in layers])
        assert all(layer.visible for layer in layers)
        return real(path, layers, **options)

    real = napari_io.save_layers
    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    monkeypatch.setattr(napari_io, "save_layers", write)
    napari_window.window._qt_viewer._save_layers_dialog(selected=what != "all")
    expected = {"all": [before, after], "a side": [after], "the line": [before]}[what]
    assert saved == [[layer.name for layer in expected]]
    written = sorted(path.name for path in tmp_path.rglob("*.tif"))
    if what == "all":
        assert written == ["cells restored.ome.tif", "cells.ome.tif"]
    else:
        assert written == ["a.tif"]
        np.testing.assert_array_equal(tifffile.imread(path), expected[0].data)
    assert not bar.is_comparing
    assert "save" not in vars(napari_window.layers)  # it saves as ever from now on


def test_what_it_adds_is_no_image_to_choose(viewer: ViewerModel, qtbot: Any) -> None:
    before, after = pair(viewer, STACK)
    combo = image_combo(viewer)
    qtbot.addWidget(combo)
    curtain = Curtain(viewer, before, after)
    assert [combo.itemText(i) for i in range(combo.count())] == ["cells", after.name]
    assert combo.layer() is before
    curtain.close()


def greys(viewer: Any, **keywords: Any) -> list[Image]:
    """Add an original of 50, a first result of 120 and a second one of 220, all of one look."""
    return [
        viewer.add_image(
            np.full((200, 200), grey, np.uint8), name=name, contrast_limits=(0, 255), **keywords
        )
        for name, grey in (("cells", 50), ("first", 120), ("second", 220))
    ]


def seen(viewer: Any, qtbot: Any) -> tuple[int, int]:
    """Return the greys on screen left and right of the middle."""
    qtbot.wait(50)
    pixels = viewer.screenshot(canvas_only=True, flash=False)
    row, column = pixels.shape[0] // 2, pixels.shape[1] // 2
    return int(pixels[row, column - 60, 0]), int(pixels[row, column + 60, 0])


@pytest.fixture
def bar(napari_window: Any, qtbot: Any) -> Iterator[CompareBar]:
    bar = CompareBar(napari_window)
    napari_window.window.add_dock_widget(bar)
    qtbot.wait(100)
    yield bar
    bar.shut_down()


def test_the_control_in_a_window(bar: CompareBar, napari_window: Any, qtbot: Any) -> None:
    assert not bar.button.isEnabled()
    before, after = pair(napari_window, STACK)
    was = state(napari_window)
    bar.set_layers(before, after)
    qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    assert bar.is_comparing
    assert bar.slider.isEnabled()
    bar.slider.setValue(250)
    assert sides(napari_window)[0].data.shape[-1] == 48
    qtbot.wait(100)  # drawn
    qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    assert not bar.is_comparing
    assert not bar.slider.isEnabled()
    assert state(napari_window) == was
    # Without the line, too, holding the button shows the original.
    qtbot.mousePress(bar.hold_button, Qt.MouseButton.LeftButton)
    assert not after.visible
    qtbot.mouseRelease(bar.hold_button, Qt.MouseButton.LeftButton)
    assert after.visible
    napari_window.layers.remove(after)
    assert not bar.button.isEnabled()


def test_other_layers_end_a_comparison(bar: CompareBar, napari_window: Any, qtbot: Any) -> None:
    before, after = pair(napari_window, STACK)
    bar.set_layers(before, after)
    bar.button.click()
    bar.set_layers(before, after)
    assert bar.is_comparing
    bar.set_layers(after, before)
    assert not bar.is_comparing
    bar.button.click()
    bar.shut_down()
    assert (before.visible, after.visible) == (True, True)
    assert not added(napari_window)


def test_the_line_is_drawn_with_the_mouse(viewer: ViewerModel) -> None:
    from types import SimpleNamespace

    before, after = pair(viewer, STACK)
    moved: list[float] = []
    Curtain(viewer, before, after, on_move=moved.append)
    drag = viewer.mouse_drag_callbacks[-1]
    event = SimpleNamespace(position=(0, 10, 31.5), button=1, type="mouse_press")
    steps = drag(viewer, event)
    next(steps)
    assert not viewer.scene.camera.mouse_pan
    event.type, event.position = "mouse_move", (0, 10, 47.5)
    next(steps)
    assert moved == [0.75]
    event.type = "mouse_release"
    assert next(steps, "end") == "end"
    assert viewer.scene.camera.mouse_pan
    far = SimpleNamespace(position=(0, 10, 5), button=1, type="mouse_press")
    viewer.scene.camera.zoom = 4
    assert next(drag(viewer, far), "not taken") == "not taken"


def test_an_earlier_result_is_not_taken_for_the_original(
    bar: CompareBar, napari_window: Any, qtbot: Any
) -> None:
    before, first, second = greys(napari_window)
    assert seen(napari_window, qtbot) == (220, 220)
    bar.set_layers(before, second)
    for was in ([True, True, True], [False, True, True], [True, False, True]):
        for layer, visible in zip((before, first, second), was, strict=True):
            layer.visible = visible
        bar.hold_button.pressed.emit()
        assert seen(napari_window, qtbot) == (50, 50)
        bar.hold_button.released.emit()
        assert [layer.visible for layer in napari_window.layers] == was
        bar.button.click()
        assert seen(napari_window, qtbot) == (50, 220)
        bar.hold_button.pressed.emit()
        assert seen(napari_window, qtbot) == (50, 50)
        bar.hold_button.released.emit()
        assert seen(napari_window, qtbot) == (50, 220)
        bar.button.click()
        assert [layer.visible for layer in napari_window.layers] == was


def test_a_result_below_the_newest_is_compared(
    bar: CompareBar, napari_window: Any, qtbot: Any
) -> None:
    before, first, second = greys(napari_window)
    bar.set_layers(before, first)
    bar.button.click()
    assert seen(napari_window, qtbot) == (50, 120)
    second.visible = True  # by hand: that ends it
    assert not bar.is_comparing
    assert seen(napari_window, qtbot) == (220, 220)
    assert not added(napari_window)
    bar.set_layers(first, before)  # the result may lie below
    bar.button.click()
    assert seen(napari_window, qtbot) == (120, 50)


@pytest.mark.parametrize("what", ["all", "result", "line", "clear"])
def test_layers_are_removed_while_they_are_compared(
    bar: CompareBar, napari_window: Any, qtbot: Any, what: str
) -> None:
    before, first, second = greys(napari_window)
    bar.set_layers(before, second)
    bar.button.click()
    layers = napari_window.layers
    if what == "clear":
        layers.clear()
    else:
        chosen = {"all": set(layers), "result": {second}, "line": {layers["comparison: line"]}}
        layers.selection = chosen[what]
        layers.remove_selected()
    qtbot.wait(50)
    left = {"result": [before, first], "line": [before, first, second]}.get(what, [])
    assert list(layers) == left
    assert all(layer.visible for layer in left)
    assert not bar.is_comparing
    assert not bar.button.isChecked()
    assert bar.button.isEnabled() is (what == "line")


def test_layers_are_hidden_together_while_they_are_compared(
    bar: CompareBar, napari_window: Any, qtbot: Any
) -> None:
    from napari.layers._layer_actions import _toggle_visibility

    before, _, second = greys(napari_window)
    bar.set_layers(before, second)
    bar.button.click()
    napari_window.layers.select_all()
    _toggle_visibility(napari_window.layers)
    qtbot.wait(50)
    assert not bar.is_comparing
    assert not added(napari_window)
    assert not before.visible


def test_a_viewer_has_one_comparison(bar: CompareBar, napari_window: Any, qtbot: Any) -> None:
    before, first, second = greys(napari_window)
    other = CompareBar(napari_window)
    qtbot.addWidget(other)
    bar.set_layers(before, second)
    other.set_layers(before, second)
    bar.button.click()
    other.button.click()
    assert (bar.is_comparing, other.is_comparing) == (False, True)
    assert not bar.button.isChecked()
    assert len(added(napari_window)) == 2
    bar.button.click()
    other.hold_button.pressed.emit()
    assert not bar.is_comparing
    assert seen(napari_window, qtbot) == (50, 50)
    other.hold_button.released.emit()
    assert list(napari_window.layers) == [before, first, second]
    assert all(layer.visible for layer in napari_window.layers)
    other.shut_down()


def test_pairs_end_a_comparison(bar: CompareBar, napari_window: Any) -> None:
    before, first, second = greys(napari_window)
    view = PairView(napari_window)
    pixels = np.zeros((1, 20, 20), np.float32)
    bar.set_layers(before, second)
    bar.button.click()
    view.show(PairsFound(pixels, pixels + 1, ("one",), 1, ()))
    assert not bar.is_comparing
    assert [layer.visible for layer in (before, first, second)] == [False] * 3
    bar.button.click()
    view.hide()
    assert not bar.is_comparing
    assert list(napari_window.layers) == [before, first, second]
    assert all(layer.visible for layer in napari_window.layers)


def test_the_mouse_must_be_near_the_line_on_screen(viewer: ViewerModel) -> None:
    from types import SimpleNamespace

    before, after = pair(viewer, STACK, affine=np.diag([1, 4, 4, 1]))
    viewer.scene.camera.zoom = 1
    Curtain(viewer, before, after)
    drag = viewer.mouse_drag_callbacks[-1]
    for aside, taken in ((7, True), (9, False)):
        event = SimpleNamespace(position=(0, 10, 4 * 31.5 + aside), button=1, type="mouse_press")
        assert (next(drag(viewer, event), "not taken") is None) is taken
