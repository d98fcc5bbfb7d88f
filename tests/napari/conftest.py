"""A registered plugin, a panel in a real window, and a core that can be slow or fail on demand."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dgno_core.inference.events import Restored, RestoreStarted, TileRestored
from dgno_core.io.provenance import Provenance, SourceRecord
from dgno_core.io.source import ImageSource
from dgno_core.training.runs import run as run_module
from dgno_core.training.runs.presets import Pace
from support.fake_analyses import FakeAnalyses
from support.train_panel import FAKE, textured


@pytest.fixture
def manifest_path() -> Path:
    return Path(str(files("napari_dgno") / "napari.yaml"))


@pytest.fixture
def plugin(npe2pm: Any, plugin_settings: None, manifest_path: Path) -> Any:
    """Register the plugin, alone, with preferences that live in a temporary folder."""
    from npe2 import PluginManifest

    manifest = PluginManifest.from_file(manifest_path)
    npe2pm.register(manifest)
    return manifest


@pytest.fixture
def napari_window(plugin: Any, make_napari_viewer: Any, qtbot: Any) -> Iterator[Any]:
    """Open a shown window; no worker outlives the test."""
    from napari.qt.threading import GeneratorWorker

    viewer = make_napari_viewer(show=True)
    yield viewer
    GeneratorWorker.await_workers(10_000)
    qtbot.wait(50)


@pytest.fixture
def open_panel(napari_window: Any) -> Callable[[], Any]:
    """Return a function that docks the Restore panel."""

    def dock() -> Any:
        return napari_window.window.add_plugin_dock_widget("napari-dgno", "Restore")[1]

    return dock


@pytest.fixture
def image() -> np.ndarray:
    """Return a small stack, (3, 64, 80) uint16."""
    rng = np.random.default_rng(0)
    return rng.integers(100, 4000, (3, 64, 80)).astype(np.uint16)


def provenance(source: ImageSource, **changes: Any) -> Provenance:
    """Return a record as a run of `source` would write it."""
    record = {
        "version": "0", "created": "2026-01-01T00:00:00+00:00", "source": SourceRecord.of(source),
        "model": "fake", "tile": 128, "device": "cpu", "command": "dgno restore in.tif -o out.tif",
    }  # fmt: skip
    return Provenance(**{**record, **changes})


@pytest.fixture
def fake_core(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Replace the core's generator by one that adds 1 in `tiles` tiles of `delay` seconds each.

    It raises `fail` after the first tile, puts `warnings` in its provenance, and notes in `closed`
    how each run ended.
    """
    core = SimpleNamespace(tiles=10, delay=0.0, fail=None, warnings=[], closed=[], configs=[])

    def restoring(source: ImageSource, config: Any, *_: Any) -> Iterator[Any]:
        core.configs.append(config)
        end = "cancelled"
        try:
            yield RestoreStarted(len(source.layout()), core.tiles, 128, "cpu", "fake")
            for done in range(1, core.tiles + 1):
                time.sleep(core.delay)
                yield TileRestored(done, core.tiles)
                if core.fail is not None:
                    raise core.fail
            data = np.asarray(source.data) + source.dtype.type(1)
            yield Restored(data, provenance(source, warnings=core.warnings))
            end = "finished"
        finally:
            core.closed.append(end)

    monkeypatch.setattr("napari_dgno.restore.work.restoring", restoring)
    return core


@pytest.fixture
def stack() -> np.ndarray:
    """Return a focal stack, (4, 96, 112), in focus in plane 1."""
    from scipy.ndimage import gaussian_filter

    sharp = textured((96, 112)).astype(float)
    planes = [gaussian_filter(sharp, 1.2 * abs(z - 1)) for z in range(4)]
    return np.stack(planes).astype(np.uint16)


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace the process that times a step; the returned function says what it finds, and when."""

    def find(step: float = 1.0, validation: float = 2.0, delay: float = 0.0) -> None:
        pace = Pace(step, validation).to_json()
        code = f"import time; time.sleep({delay}); print({pace!r})"
        monkeypatch.setattr("dgno_core.training.runs.pace.COMMAND", (sys.executable, "-c", code))

    find()
    return find


@pytest.fixture
def runs(tmp_path: Path, plugin: Any, timing: Any) -> Path:
    """Return the preferred folder of runs."""
    from napari_dgno.shared.settings import training_model

    folder = tmp_path / "runs"
    training_model().runs_folder = str(folder)
    return folder


@pytest.fixture
def fake_training(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Replace `dgno-train`; the returned function says how it behaves. None outlives the test."""
    monkeypatch.setattr(run_module, "COMMAND", (sys.executable, str(FAKE)))
    monkeypatch.setattr(run_module, "LAST_PATIENCE", 1.0)
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def popen(command: Any, **keywords: Any) -> Any:
        process = real(command, **keywords)
        if str(FAKE) in command:
            started.append(process)
        return process

    monkeypatch.setattr(run_module.subprocess, "Popen", popen)

    def behave(**wishes: Any) -> None:
        monkeypatch.setenv("DGNO_FAKE", json.dumps(wishes))

    behave()
    yield behave
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def open_train(napari_window: Any, runs: Path, qtbot: Any) -> Iterator[Callable[[], Any]]:
    """Return a function that docks the Train panel."""

    def dock() -> Any:
        return napari_window.window.add_plugin_dock_widget("napari-dgno", "Train")[1]

    yield dock
    qtbot.wait(50)


@pytest.fixture
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what napari's notifications say."""
    shown: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_error", shown.append)
    return shown


@pytest.fixture
def analyses(monkeypatch: pytest.MonkeyPatch) -> FakeAnalyses:
    """Replace what the Inspect and Detect panels do in their worker threads."""
    analyses = FakeAnalyses()
    monkeypatch.setattr("napari_dgno.inspect.operator.looking_inside", analyses.looking_inside)
    monkeypatch.setattr("napari_dgno.inspect.lam.attributing", analyses.attributing)
    monkeypatch.setattr("napari_dgno.inspect.trust.weighing_trust", analyses.weighing_trust)
    monkeypatch.setattr("napari_dgno.detect.panel.comparing", analyses.comparing)
    monkeypatch.setattr("dgno_core.detection.models.why_unavailable", lambda: None)
    return analyses


@pytest.fixture
def open_inspect(napari_window: Any) -> Callable[[], Any]:
    """Return a function that docks the Inspect panel."""

    def dock() -> Any:
        return napari_window.window.add_plugin_dock_widget("napari-dgno", "Inspect")[1]

    return dock


@pytest.fixture
def open_detect(napari_window: Any) -> Callable[[], Any]:
    """Return a function that docks the Detect panel."""

    def dock() -> Any:
        return napari_window.window.add_plugin_dock_widget("napari-dgno", "Detect")[1]

    return dock
