"""A registered plugin, a panel in a real window, and a core that can be slow or fail on demand."""

from __future__ import annotations

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

    def restoring(source: ImageSource, config: Any) -> Iterator[Any]:
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

    monkeypatch.setattr("napari_dgno._workers.restoring", restoring)
    return core
