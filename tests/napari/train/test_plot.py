"""The numbers beside the curves can be read, however far the loss falls."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.gui


@pytest.mark.parametrize("lowest", [0.9, 0.6, 0.3, 0.1, 0.03, 0.003, 1e-5])
def test_the_numbers_of_the_loss_neither_touch_nor_leave_most_of_the_axis_bare(
    lowest: float, qapp: Any
) -> None:
    from napari.components import ViewerModel

    from dgno_core.training.runs.record import RunRecord
    from napari_dgno.train.plot import RunPlot

    plot = RunPlot(ViewerModel())
    plot.resize(320, 300)
    steps = np.arange(1, 81)
    losses = np.geomspace(1, lowest, len(steps))
    record = RunRecord(step=80, losses=list(zip(steps.tolist(), losses.tolist(), strict=True)))
    plot.show_record(record)
    plot.draw()
    axes = plot.loss_axes
    place = axes.get_window_extent()
    boxes = sorted(
        (label.get_window_extent() for label in axes.get_yticklabels() if label.get_text()),
        key=lambda box: box.y0,
    )
    boxes = [box for box in boxes if place.y0 <= (box.y0 + box.y1) / 2 <= place.y1]
    assert len(boxes) >= 2
    for low, high in pairwise(boxes):
        assert low.y1 <= high.y0
    assert boxes[-1].y1 - boxes[0].y0 > 0.4 * place.height
    plot.disconnect_viewer()
