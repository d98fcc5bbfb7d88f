"""The Inspect and Detect panels with the real networks: what they show is what the core says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dgno_core.inference import Restorer
from dgno_core.interpretation.view import read_view
from support.analysis_panels import analyse, said

pytestmark = [pytest.mark.gui, pytest.mark.slow]
Open = Callable[[], Any]


@pytest.fixture
def stack() -> np.ndarray:
    from dgno_core.optics.scenes import focal_stack

    return focal_stack((2, 96, 112), in_focus=0).data


def test_an_operator_map_is_the_one_of_the_core(
    napari_window: Any, open_inspect: Open, stack: np.ndarray, qtbot: Any
) -> None:
    from dgno_core.interpretation.operator_maps import operator_maps

    original = napari_window.add_image(stack, name="cells")
    napari_window.dims.set_current_step(0, 1)
    panel = open_inspect()
    analyse(qtbot, panel, panel.operator.button)
    layer = napari_window.layers[-1]
    restorer = Restorer(axes="ZYX", device="cpu")
    expected = operator_maps(read_view(stack, restorer, (1,)), "half", 0).map("flux")
    np.testing.assert_allclose(layer.data[0], expected.data, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        layer.data_to_world((0, 0, 0)), original.data_to_world((1, *expected.translate))
    )
    panel.operator.show_combo.setCurrentIndex(panel.operator.show_combo.findData("face_jump"))
    analyse(qtbot, panel, panel.operator.button)
    faces = operator_maps(read_view(stack, restorer, (1,)), "half", 0).faces()
    lines = napari_window.layers[-1]
    np.testing.assert_allclose(lines.data[:, 0, 1:], faces.start)
    np.testing.assert_allclose(lines.features["jump"], faces.jump, rtol=1e-4, atol=1e-6)


def test_an_attribution_is_the_one_of_the_core(
    napari_window: Any, open_inspect: Open, stack: np.ndarray, qtbot: Any
) -> None:
    from dgno_core.interpretation.lam import (
        LamFound,
        LamSettings,
        Window,
        lam_events,
        read_neighbourhood,
    )

    napari_window.add_image(stack[1], name="cells")
    panel = open_inspect()
    panel.open_section(panel.attribution)
    panel.attribution.draw()
    box = np.array([(39.5, 39.5), (39.5, 55.5), (55.5, 55.5), (55.5, 39.5)])
    napari_window.layers.selection.active.add_rectangles(box)
    analyse(qtbot, panel, panel.attribution.button)
    assert "new layer" in said(panel)
    window, settings = Window.square(40, 40), LamSettings(effort="quick")
    view = read_neighbourhood(stack[1], window, settings, Restorer(device="cpu"))
    *_, found = lam_events(view, window, settings)
    assert isinstance(found, LamFound)
    layer = next(item for item in napari_window.layers if item.name.startswith("Attribution"))
    np.testing.assert_allclose(layer.data, found.attribution.absolute, atol=1e-3)
    assert f"{found.attribution.diffusion_index:.1f}" in panel.attribution.result.text()


def test_trust_says_what_the_core_says(
    napari_window: Any, open_inspect: Open, stack: np.ndarray, qtbot: Any
) -> None:
    napari_window.add_image(stack[1], name="cells")
    panel = open_inspect()
    analyse(qtbot, panel, panel.trust.button)
    assert panel.trust.map_combo.count() == 4
    assert "%" in panel.trust.result.text()
    visible = [layer.name for layer in napari_window.layers if layer.visible]
    assert len(visible) == 4  # with the restored image under the map, and beside it
    assert all(np.isfinite(layer.data).all() for layer in napari_window.layers)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.arange(100, dtype=np.uint16).reshape(10, 10), "at least 16 x 16"),
        (np.arange(64 * 64).reshape(64, 64), "image.astype('uint16')"),
        (np.full((64, 64), np.nan, np.float32), "image[~numpy.isfinite(image)] = 0"),
    ],
)
def test_an_image_that_cannot_be_used_is_refused_with_a_way_out(
    pixels: np.ndarray,
    words: str,
    napari_window: Any,
    open_inspect: Open,
    qtbot: Any,
    notified: list[str],
) -> None:
    napari_window.add_image(pixels, name="strange", contrast_limits=(0, 1))
    panel = open_inspect()
    analyse(qtbot, panel, panel.trust.button)
    assert "strange" in notified[-1]
    assert words in notified[-1]
    assert len(napari_window.layers) == 1
