"""A panel loads a model once, and again only when its file has changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgno_core.errors import DGNOError
from dgno_core.inference import RestoreConfig
from napari_dgno.shared.loaded_models import LoadedModels, weights_stamp
from napari_dgno.shared.settings import preference_model
from support.analysis_panels import analyse
from support.tiny_weights import write_tiny_models
from support.train_panel import click, wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_models(tmp_path)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the names of the models that are loaded."""
    from dgno_core import models

    names: list[str] = []
    real = models.load_model

    def load_model(name: Any, *args: Any, **keywords: Any) -> Any:
        names.append(str(name))
        return real(name, *args, **keywords)

    monkeypatch.setattr("dgno_core.models.load_model", load_model, raising=False)
    return names


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """Collect the threads in which weights are hashed."""
    from dgno_core.models import card

    threads: list[threading.Thread] = []
    real = card.weights_hash

    def weights_hash(path: Path) -> str:
        threads.append(threading.current_thread())
        return real(path)

    monkeypatch.setattr(card, "weights_hash", weights_hash)
    return threads


def module(models: LoadedModels, config: RestoreConfig) -> Any:
    return models.restorer(config).network().model


def test_other_settings_share_a_model_and_another_file_does_not(folder: Path) -> None:
    config = RestoreConfig(model="tiny-grey", model_folder=folder, device="cpu")
    models = LoadedModels(limit=1)
    first = module(models, config)
    assert module(models, config.changed(tile=128, axes="ZYX", normalise="plane")) is first
    path = folder / "tiny-grey.safetensors"
    os.utime(path, ns=(0, 0))  # as if a training had replaced it
    second = module(models, config)
    assert second is not first
    assert module(models, config) is second
    module(models, RestoreConfig(device="cpu"))
    assert module(models, config) is not second, "one at a time"


def test_a_file_that_is_gone_is_no_longer_used(folder: Path) -> None:
    config = RestoreConfig(model="tiny-grey", model_folder=folder, device="cpu")
    models = LoadedModels()
    module(models, config)
    (folder / "tiny-grey.safetensors").unlink()
    assert weights_stamp(config) == (None,)
    with pytest.raises(DGNOError, match="tiny-grey"):
        module(models, config)


@pytest.mark.gui
def test_previews_a_run_and_other_axes_load_the_model_once(
    napari_window: Any,
    open_panel: Callable[[], Any],
    folder: Path,
    loaded: list[str],
    hashing: list[threading.Thread],
    qtbot: Any,
) -> None:
    preference_model().model_folder = str(folder)
    preference_model().device = "cpu"
    rng = np.random.default_rng(0)
    napari_window.add_image(rng.integers(100, 900, (2, 64, 80), dtype=np.uint16), name="cells")
    panel = open_panel()
    panel.form.model_chooser.set_model("tiny-grey")
    buttons = [panel.preview_button] * 3 + [panel.restore_button]
    for number, button in enumerate(buttons):
        if number == 2:
            panel.form.axes_edit.setText("TYX")
        click(qtbot, button)
        wait_until(qtbot, panel.restore_button.isEnabled)
        assert "Not done" not in panel.display.messages.text()
    assert loaded == ["tiny-grey"]
    assert hashing != []
    assert threading.main_thread() not in hashing


@pytest.mark.gui
def test_looks_load_each_model_once(
    napari_window: Any,
    open_inspect: Callable[[], Any],
    folder: Path,
    loaded: list[str],
    hashing: list[threading.Thread],
    qtbot: Any,
) -> None:
    preference_model().model_folder = str(folder)
    preference_model().device = "cpu"
    rng = np.random.default_rng(0)
    napari_window.add_image(rng.integers(100, 900, (64, 80), dtype=np.uint16), name="cells")
    panel = open_inspect()
    panel.form.model_chooser.set_model("tiny-grey")
    panel.open_section(panel.operator)
    for grid in (False, True):
        panel.operator.grid_box.setChecked(grid)
        analyse(qtbot, panel, panel.operator.button)
    panel.form.axes_edit.setText("YX")
    panel.open_section(panel.trust)
    analyse(qtbot, panel, panel.trust.button)
    assert loaded == ["tiny-grey"]
    assert threading.main_thread() not in hashing
