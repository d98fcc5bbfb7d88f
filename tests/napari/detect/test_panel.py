"""The Detect panel in a real window."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from dgno_core.detection.results import DetectionFound
from dgno_core.metrics import match
from napari_dgno.shared.loaded_models import LoadedModels
from support.analysis_panels import analyse, said, spots
from support.fake_analyses import FakeAnalyses, detected
from support.save_dialog import press_save
from support.train_panel import click, wait_until

pytestmark = pytest.mark.gui
Open = Callable[[], Any]


def restored() -> np.ndarray:
    """Return the four spots, one of them gone and a fifth one there."""
    image = spots()
    image[40:50, 40:52] = 100
    image[25:33, 60:70] = 4000
    return image


def open_pair(viewer: Any, open_detect: Open) -> tuple[Any, Any, Any]:
    before = viewer.add_image(spots(), name="cells", scale=(0.5, 0.5), translate=(3, 4))
    panel = open_detect()
    made = {"dgno": {}}  # as the Restore panel marks its results
    after = viewer.add_image(restored(), name="cells restored", scale=(0.5, 0.5), metadata=made)
    return panel, before, after


def test_objects_are_outlined_by_what_became_of_them(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    panel, before, after = open_pair(napari_window, open_detect)
    assert panel.form.kind() == "layer"  # the restored layer is found by its name
    assert panel.form.after_combo.layer() is after
    analyse(qtbot, panel, panel.button)
    assert "<b>4</b> objects before, <b>4</b> after: 3 matched, 1 lost, 1 gained" in (
        panel.counts.text()
    )
    names = [layer.name for layer in napari_window.layers]
    assert names == [
        "cells",
        "cells restored",
        "Objects before · cells",
        "Objects after · cells",
        "Matched, lost, gained · cells",
    ]
    overlay = napari_window.layers[-1]
    np.testing.assert_allclose(overlay.scale, before.scale)
    np.testing.assert_allclose(overlay.translate, before.translate)
    from napari.utils.colormaps.standardize_color import transform_color

    from dgno_core.detection.status import STATUS_COLOURS

    for (row, column), status in (((10, 10), "matched"), ((45, 45), "lost"), ((28, 65), "gained")):
        colour = overlay.get_color(overlay.data[row, column])
        np.testing.assert_allclose(colour, transform_color(STATUS_COLOURS[status])[0], atol=1e-3)
    assert overlay.data[0, 0] == 0
    (legend,) = panel.legends.shown()
    assert [words.rsplit(" ", 1)[1] for _, words in legend.legend.kinds] == ["(3)", "(1)", "(1)"]
    assert not panel.agreement.isVisible()


def test_a_row_of_the_table_leads_to_its_object(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    panel, before, _ = open_pair(napari_window, open_detect)
    analyse(qtbot, panel, panel.button)
    gained = next(item for item in panel.table.objects.objects if item.status == "gained")
    panel.table.sortByColumn(1, panel.table.horizontalHeader().sortIndicatorOrder())
    rows = [panel.table.model().index(row, 1).data() for row in range(5)]
    panel.table.selectRow(rows.index("gained"))
    centre = napari_window.scene.camera.center[1:]
    np.testing.assert_allclose(centre, before.data_to_world((gained.y, gained.x)))
    np.testing.assert_allclose((gained.y, gained.x), (28.5, 64.5))
    number = panel.table.objects.objects.index(gained) + 1
    overlay = napari_window.layers["Matched, lost, gained · cells"]
    assert overlay.selected_label == number


def comparing(viewer: Any) -> list[Any]:
    return [layer for layer in viewer.layers if layer.name.startswith("comparison: ")]


@pytest.mark.parametrize("kind", ["layer", "restore"])
def test_before_and_after_are_compared_under_the_outlines(
    kind: str, napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    panel, before, after = open_pair(napari_window, open_detect)
    if kind == "restore":
        napari_window.layers.remove(after)
        panel.form.set_kind("restore")
    assert not panel.compare.isVisible()
    analyse(qtbot, panel, panel.button)
    wait_until(qtbot, panel.compare.isVisible)
    if kind == "restore":
        after = next(layer for layer in napari_window.layers if "restored" in layer.name)
    click(qtbot, panel.compare.button)
    _, part, line = comparing(napari_window)
    assert np.shares_memory(part.data, after.data)
    panel.compare.slider.setValue(250)
    assert part.data.shape == (64, 60)
    np.testing.assert_allclose(line.data_to_world((0, 0))[1], after.data_to_world((0, 19.5))[1])
    index = napari_window.layers.index
    assert index(line) < index("Matched, lost, gained · cells")
    qtbot.wait(100)  # drawn
    qtbot.mousePress(panel.compare.hold_button, Qt.MouseButton.LeftButton)
    assert not part.visible
    assert before.visible
    qtbot.mouseRelease(panel.compare.hold_button, Qt.MouseButton.LeftButton)
    assert part.visible
    analyse(qtbot, panel, panel.button)  # a new look ends it, and takes no part for the result
    assert comparing(napari_window) == []
    assert after.visible
    assert sum("restored" in layer.name for layer in napari_window.layers) == 1
    click(qtbot, panel.compare.button)
    napari_window.layers.remove(after)
    wait_until(qtbot, lambda: comparing(napari_window) == [])
    assert not panel.compare.button.isEnabled()
    assert before.visible


def test_a_comparison_ends_with_the_panel_and_with_its_image(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    panel, before, after = open_pair(napari_window, open_detect)
    analyse(qtbot, panel, panel.button)
    click(qtbot, panel.compare.button)
    other = napari_window.add_image(spots(), name="other")
    panel.form.before_combo.set_layer(other)
    wait_until(qtbot, lambda: comparing(napari_window) == [])
    assert after.visible
    panel.form.before_combo.set_layer(before)
    click(qtbot, panel.compare.button)
    assert len(comparing(napari_window)) == 3
    napari_window.window.remove_dock_widget(panel)
    wait_until(qtbot, lambda: comparing(napari_window) == [])
    assert after.visible
    panel = open_detect()
    panel.form.before_combo.set_layer(other)
    panel.form.set_kind("none")
    analyse(qtbot, panel, panel.button)
    assert panel.compare.isHidden()  # there is nothing to compare with


def test_all_layers_are_removed_while_two_are_compared(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    panel, _, _ = open_pair(napari_window, open_detect)
    analyse(qtbot, panel, panel.button)
    click(qtbot, panel.compare.button)
    napari_window.layers.select_all()
    napari_window.layers.remove_selected()
    qtbot.wait(50)
    assert not len(napari_window.layers)
    assert not panel.compare.is_comparing


def frame_of(viewer: Any) -> Any:
    return viewer.layers["Chosen object · cells"]


def test_the_chosen_object_is_framed_and_the_frame_goes_with_the_next_look(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    panel, before, _ = open_pair(napari_window, open_detect)
    analyse(qtbot, panel, panel.button)
    active = napari_window.layers.selection.active
    objects = panel.table.objects.objects
    for status, corner in (("gained", (25, 60)), ("lost", (40, 40))):
        number = next(i for i, item in enumerate(objects) if item.status == status)
        panel.table.selectRow(number)
        frame = frame_of(napari_window)
        assert frame.visible
        low, high = (frame.data[0].min(axis=0), frame.data[0].max(axis=0))
        size = (8, 10) if status == "gained" else (10, 12)
        np.testing.assert_allclose(low, np.array(corner) - 2.5)
        np.testing.assert_allclose(high, np.array(corner) + np.array(size) + 1.5)
        np.testing.assert_allclose(frame.data_to_world((1, 2)), before.data_to_world((1, 2)))
        assert napari_window.layers.selection.active is active  # the panel's fields stay
    assert len([x for x in napari_window.layers if x.name.startswith("Chosen")]) == 1
    panel.form.set_kind("none")
    analyse(qtbot, panel, panel.button)
    assert not [x for x in napari_window.layers if x.name.startswith("Chosen")]


def test_the_table_is_saved_for_a_spreadsheet_under_the_names_on_screen(
    napari_window: Any,
    open_detect: Open,
    analyses: FakeAnalyses,
    qtbot: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    notified: list[str],
) -> None:
    panel, *_ = open_pair(napari_window, open_detect)
    analyse(qtbot, panel, panel.button)
    press_save(monkeypatch, str(tmp_path / "cells"), str(tmp_path / "plate.A01"), "")
    click(qtbot, panel.save_button)
    rows = list(csv.DictReader((tmp_path / "cells.csv").open()))
    assert [row["status"] for row in rows] == ["matched"] * 3 + ["lost", "gained"]
    assert float(rows[0]["iou"]) == 1.0
    assert rows[3]["area_after"] == ""
    assert float(rows[3]["area_before"]) == 120
    model = panel.table.model()
    shown = [
        model.headerData(index, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole)
        for index in range(model.columnCount())
    ]
    assert [title.lower().replace(" ", "_") for title in shown] == list(rows[0])[: len(shown)]
    assert "cells.csv" in said(panel)
    click(qtbot, panel.save_button)
    assert (tmp_path / "plate.A01.csv").is_file()
    click(qtbot, panel.save_button)  # cancelled
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["cells.csv", "plate.A01.csv"]


def test_a_folder_that_cannot_be_written_is_said(
    napari_window: Any,
    open_detect: Open,
    analyses: FakeAnalyses,
    qtbot: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    notified: list[str],
) -> None:
    panel, *_ = open_pair(napari_window, open_detect)
    analyse(qtbot, panel, panel.button)
    gone = tmp_path / "none" / "objects.csv"
    monkeypatch.setattr("napari_dgno.detect.panel.ask_path", lambda *_: gone)
    click(qtbot, panel.save_button)
    assert "objects.csv" in notified[-1]


def test_words_and_table_go_with_their_image(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    panel, before, _ = open_pair(napari_window, open_detect)
    analyse(qtbot, panel, panel.button)
    wait_until(qtbot, panel.table.isVisible)
    other = napari_window.add_image(spots(), name="other")
    panel.form.before_combo.set_layer(other)
    wait_until(qtbot, lambda: not panel.table.isVisible())
    assert said(panel).strip() == ""
    panel.form.before_combo.set_layer(before)
    wait_until(qtbot, panel.table.isVisible)
    napari_window.layers.clear()
    wait_until(qtbot, lambda: not panel.table.isVisible())
    assert panel.table.objects.objects == []
    assert panel.form.before_combo.placeholderText() == "Open an image first"
    assert panel.form.before_combo.currentIndex() == -1


def test_pixels_of_whole_stacks_are_compared_outside_of_the_windows_thread(
    napari_window: Any,
    open_detect: Open,
    analyses: FakeAnalyses,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import threading
    import zlib

    threads = []
    real = zlib.crc32

    def crc32(data: Any) -> int:
        if len(memoryview(data).cast("B")) >= 2 * spots().nbytes:
            threads.append(threading.current_thread())
        return real(data)

    monkeypatch.setattr("napari_dgno.shared.analysis_cache.zlib.crc32", crc32)
    stack = np.stack([spots(), spots(), restored()])
    napari_window.add_image(stack, name="cells")
    panel = open_detect()
    panel.form.set_kind("none")
    panel.form.planes_combo.setCurrentIndex(1)
    analyse(qtbot, panel, panel.button)
    assert threads
    assert threading.main_thread() not in threads
    analyse(qtbot, panel, panel.button)
    assert analyses.calls == ["detect"]  # known, once the pixels were compared
    stack[2, 5, 5] += 1
    analyse(qtbot, panel, panel.button)
    assert analyses.calls == ["detect", "detect"]


@pytest.mark.parametrize("restore", [False, True])
def test_one_plane_is_scaled_as_its_stack_is(
    restore: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dgno_core.detection import DetectConfig
    from dgno_core.detection.scaling import measure_limits
    from dgno_core.io.source import ImageSource
    from napari_dgno.detect.work import Comparison, comparing, limits_key
    from napari_dgno.shared.analysis_panel import CacheUpdate

    stack = ImageSource(np.stack([spots(), spots() // 10]), "ZYX", name="cells")
    seen = []
    monkeypatch.setattr(
        "napari_dgno.detect.work.detecting", lambda *args: iter(seen.append(args) or ())
    )
    if restore:
        monkeypatch.setattr("napari_dgno.detect.work._restoring", restoring)
    work = comparing(
        Comparison(stack, position=(1,)), DetectConfig(), restore or None, LoadedModels()
    )
    kept = [event for event in work if isinstance(event, CacheUpdate)]
    expected = measure_limits(stack, stack.layout())
    ((*_, limits, _),) = seen
    assert limits == [expected] * (2 if restore else 1)
    assert [(event.key, event.value) for event in kept] == [(limits_key(stack), expected)]
    again = Comparison(stack, position=(1,), known_limits=[expected])
    assert not list(comparing(again, DetectConfig(), None, LoadedModels()))
    assert seen[1][-2] == [expected]


def restoring(comparison: Any, config: Any, models: Any) -> Any:
    return np.asarray(comparison.before.data)[1], {}
    yield  # a generator


@pytest.mark.parametrize("position", [None, (1,)])
def test_what_is_restored_on_the_way_has_its_record(position: tuple[int, ...] | None) -> None:
    from dgno_core.inference import RestoreConfig
    from dgno_core.io.source import ImageSource
    from napari_dgno.detect.work import Comparison, _restoring

    source = ImageSource(np.stack([spots(), spots()]), "ZYX", name="cells")
    config = RestoreConfig(model="dgno-cell-small", device="cpu")
    work, returned = _restoring(Comparison(source, position=position), config, LoadedModels()), None
    while returned is None:
        try:
            next(work)
        except StopIteration as end:
            returned = end.value
    pixels, record = returned
    assert pixels.shape == (spots().shape if position else source.shape)
    assert record["model"] == "dgno-cell-small"
    assert ("tile" in record) == (position is None)


def test_two_models_in_turn_give_two_layers_above_all_images(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    napari_window.add_image(spots(), name="cells")
    top = napari_window.add_image(spots(), name="other")
    panel = open_detect()
    panel.form.before_combo.set_layer(napari_window.layers["cells"])
    panel.form.set_kind("restore")
    for model in ("dgno-cell-small", "dgno-face-small") * 2:
        panel.form.model_chooser.set_model(model)
        analyse(qtbot, panel, panel.button)
        _, shown = panel.compare._layers
        assert shown.metadata["dgno"] == {"model": model}
        assert shown.name == f"cells restored ({model})"
    layers = napari_window.layers
    made = [layer for layer in layers if layer.name.startswith("cells restored")]
    assert len(made) == 2
    outlines = layers["Matched, lost, gained · cells"]
    assert layers.index(top) < min(map(layers.index, made))
    assert max(map(layers.index, made)) < layers.index(outlines)


def test_agreement_with_a_truth_is_shown(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    from scipy.ndimage import label

    panel, *_ = open_pair(napari_window, open_detect)
    assert panel.form.truth_combo.placeholderText() == "Open labels first"
    assert panel.form.truth_combo.count() == 0
    truth = napari_window.add_labels(label(spots() > 1000)[0], name="truth")
    panel.form.truth_combo.set_layer(truth)
    analyse(qtbot, panel, panel.button)
    wait_until(qtbot, panel.agreement.isVisible)
    assert "<b>1.00</b>" in panel.agreement.text()
    assert "<b>0.60</b>" in panel.agreement.text()  # 3 of 3 right, 1 missed and 1 wrong
    assert panel.form.truth_combo.count() == 2  # our own labels are no truth


def test_restoring_first_adds_the_restored_plane_of_a_stack_in_its_place(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    stack = np.stack([spots(), spots(), np.zeros_like(spots())])
    original = napari_window.add_image(stack, name="cells", scale=(2, 1, 1))
    napari_window.dims.set_current_step(0, 1)
    panel = open_detect()
    assert panel.form.kind() == "restore"
    wait_until(qtbot, panel.form.planes_combo.isVisible)
    analyse(qtbot, panel, panel.button)
    layer = napari_window.layers["cells restored (auto)"]
    np.testing.assert_array_equal(layer.data, stack[1:2] + 1)
    np.testing.assert_allclose(layer.data_to_world((0, 5, 5)), original.data_to_world((1, 5, 5)))
    overlay = napari_window.layers[-1]
    assert overlay.data.shape == (1, 64, 80)
    np.testing.assert_allclose(overlay.translate, layer.translate)
    assert panel.form.kind() == "restore"
    analyse(qtbot, panel, panel.button)  # again: nothing to do, nothing twice
    assert analyses.calls == ["detect"]
    assert len(napari_window.layers) == 5


@pytest.mark.parametrize("planes", [0, 1], ids=["one plane", "all planes"])
def test_what_the_card_says_against_a_restored_image_is_told(
    napari_window: Any,
    open_detect: Open,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: Any,
    planes: int,
) -> None:
    """The network is the packaged one; only StarDist is replaced."""

    def detecting(before: Any, after: Any, config: Any, *_: Any) -> Any:
        first, second = detected(before, 1000), detected(after, 1000)
        pairs = zip(first.planes, second.planes, strict=True)
        matched = tuple(match(a, b, config.iou) for a, b in pairs)
        yield DetectionFound(first, second, matched, (), (), config, config.detector, ())

    monkeypatch.setattr("napari_dgno.detect.work.detecting", detecting)
    noise = np.random.default_rng(0).normal(0, 900, (3, *spots().shape))
    stack = np.clip(spots() + noise, 0, None).astype(np.uint16)
    napari_window.add_image(stack, name="cells")
    panel = open_detect()
    panel.form.model_chooser.set_model("dgno-cell-small")
    panel.form.planes_combo.setCurrentIndex(planes)
    kinds = ["restore", "restore", *(["layer"] if planes else [])]  # the second one is known
    for kind in kinds:
        panel.form.set_kind(kind)
        analyse(qtbot, panel, panel.button)
        notes = panel.display.messages.text()
        assert panel.display.messages.isVisible(), said(panel)
        assert notes.count("trained on at most 7%: what looks like fine structure") == 1
    _, shown = panel.compare._layers
    (warning,) = shown.metadata["dgno"]["warnings"]
    assert "The noise of cells is about" in warning


def test_all_planes_of_a_stack_are_one_layer_and_rows_lead_to_planes(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    stack = np.stack([spots(), np.zeros_like(spots()), restored()])
    napari_window.add_image(stack, name="cells")
    panel = open_detect()
    panel.form.set_kind("none")
    panel.form.planes_combo.setCurrentIndex(1)
    analyse(qtbot, panel, panel.button)
    assert panel.counts.text() == "<b>8</b> objects found."
    assert napari_window.layers[-1].data.shape == stack.shape
    assert len(np.unique(napari_window.layers[-1].data)) == 9  # numbers run on over the planes
    panel.table.selectRow(7)
    assert napari_window.dims.current_step[0] == 2
    assert set(frame_of(napari_window).data[0][:, 0]) == {2}


def test_what_is_missing_or_does_not_fit_is_said_in_a_sentence(
    napari_window: Any,
    open_detect: Open,
    analyses: FakeAnalyses,
    notified: list[str],
) -> None:
    panel = open_detect()
    panel.button.click()
    assert "no image to detect in" in notified[-1]
    napari_window.add_image(spots(), name="cells")
    panel.form.set_kind("layer")
    panel.button.click()
    assert "no second image" in notified[-1]
    small = napari_window.add_image(spots()[:32], name="crop")
    panel.form.after_combo.set_layer(small)
    panel.form.before_combo.set_layer(napari_window.layers["cells"])
    panel.button.click()
    assert "different sizes" in notified[-1]
    assert analyses.calls == []
    with pytest.raises(Exception, match="holds no StarDist model"):
        panel.form.detector_chooser.set_detector("/nowhere")


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (np.zeros((64, 80), int), "holds no objects here"),
        (np.ones((10, 80), int), "does not fit 'cells'|does not fit"),
    ],
)
def test_a_truth_that_cannot_be_used_is_refused(truth: np.ndarray, words: str) -> None:
    from dgno_core.detection import DetectConfig
    from dgno_core.errors import DGNOError
    from dgno_core.io.source import ImageSource
    from napari_dgno.detect.work import Comparison, comparing

    before = ImageSource(spots(), "YX", name="cells")
    work = comparing(Comparison(before, None, truth, "truth"), DetectConfig(), None, LoadedModels())
    with pytest.raises(DGNOError, match=words):
        next(work)


def test_missing_stardist_is_explained_and_nothing_can_be_started(
    napari_window: Any, open_detect: Open, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = 'StarDist is not installed: run pip install "napari-dgno[stardist]".'
    monkeypatch.setattr("dgno_core.detection.models.why_unavailable", lambda: sentence)
    napari_window.add_image(spots(), name="cells")
    panel = open_detect()
    assert panel.missing.text() == sentence
    wait_until(qtbot, panel.missing.isVisible)
    assert not panel.button.isEnabled()


def test_cancelling_closing_and_deleting_during_the_work(
    napari_window: Any, open_detect: Open, analyses: FakeAnalyses, qtbot: Any
) -> None:
    analyses.steps, analyses.delay = 100, 0.05
    napari_window.add_image(spots(), name="cells")
    panel = open_detect()
    click(qtbot, panel.button)
    wait_until(qtbot, lambda: panel.display.bar.value() > 1)
    click(qtbot, panel.display.cancel_button)
    wait_until(qtbot, lambda: not panel.is_running)
    assert len(napari_window.layers) == 1
    assert "Cancelled" in said(panel)
    analyses.steps = 4
    click(qtbot, panel.button)
    napari_window.layers.clear()
    wait_until(qtbot, lambda: not panel.is_running)
    assert "was removed meanwhile" in said(panel)
    assert len(napari_window.layers) == 0
    analyses.steps = 100
    napari_window.add_image(spots(), name="cells")
    click(qtbot, panel.button)
    wait_until(qtbot, lambda: len(analyses.calls) == 3)
    napari_window.window.remove_dock_widget(panel)
    wait_until(qtbot, lambda: len(analyses.closed) == 3)
    assert analyses.closed[0] == analyses.closed[2] == "cancelled"


def test_opening_the_panel_imports_no_tensorflow() -> None:
    import subprocess
    import sys

    code = (
        "import sys, napari_dgno.detect.panel; "
        "print([m for m in ('tensorflow', 'stardist', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"
