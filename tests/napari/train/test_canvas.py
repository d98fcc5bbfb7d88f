"""Layers may be cleared between two trainings: a crash would end the window, so it is a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.gui, pytest.mark.slow]

FAKE = Path(__file__).parents[2] / "support" / "fake_training.py"
SCRIPT = """
import sys, time
from pathlib import Path
import napari
import numpy as np
from qtpy.QtWidgets import QApplication
from dgno_core.training.runs import run as run_module

run_module.COMMAND = (sys.executable, sys.argv[1])

def wait(seconds=0.02, until=lambda: True):
    end = time.monotonic() + seconds
    while time.monotonic() < end or not until():
        application.processEvents()
        time.sleep(0.01)
        assert time.monotonic() < end + 60

viewer = napari.Viewer(show=True)
application = QApplication.instance()
panel = viewer.window.add_plugin_dock_widget("napari-dgno", "Train")[1]
viewer.window._qt_window.resize(1200, 800)
panel.form.runs_edit.set_path(Path(sys.argv[2]))
panel.form.images.set_kind("sharp")
panel.form.advanced.steps_spin.setValue(8)  # so that no step is timed before
wait(0.5)
for number in (1, 2):
    viewer.layers.clear()
    pixels = np.random.default_rng(number).integers(0, 9999, (160, 160)).astype(np.uint16)
    viewer.add_image(pixels, name=f"image {number}")
    wait(0.6)
    panel.train()
    wait(until=lambda: panel._run is not None and panel._worker is None)
    wait(until=lambda: not panel._poll_timer.isActive())
    wait(0.5, until=lambda: len(viewer.layers) == 3)
    print("trained", number, flush=True)
    panel.run_combo.setCurrentIndex(0)
    panel.run_combo.activated.emit(0)
viewer.close()
"""


def test_layers_may_be_cleared_between_two_trainings(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "NAPARI_CONFIG": str(tmp_path / "settings.yaml"),
        "DGNO_FAKE": json.dumps({"steps": 8, "delay": 0.05}),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(FAKE), str(tmp_path / "runs")],
        env=environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.stdout.split("\n")[:2] == ["trained 1", "trained 2"], done.stderr[-2000:]
    assert done.returncode == 0, done.stderr[-2000:]
