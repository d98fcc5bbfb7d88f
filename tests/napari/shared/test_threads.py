"""The preference of processor threads reaches every computation of the panels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from dgno_core.io import ImageSource
from napari_dgno.shared import threads as plugin_threads
from napari_dgno.shared.settings import Preferences, preference_model


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_preference_is_read(plugin: Any) -> None:
    preference_model().threads = 3
    plugin_threads.take_threads()
    assert torch.get_num_threads() == 3
    with pytest.raises(ValueError, match="threads"):
        preference_model().threads = 100_000


def test_each_computation_asks_again_which_cores_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    from dgno_core import threads

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(plugin_threads, "read_preferences", Preferences)
    for free in (4, 2):
        monkeypatch.setattr(threads, "free_cores", lambda free=free: free)
        plugin_threads.take_threads()
        assert torch.get_num_threads() == free
        assert "OMP_NUM_THREADS" not in os.environ


def test_restoring_and_previewing_take_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from dgno_core.inference import RestoreConfig
    from napari_dgno.restore.work import previewing, restoring
    from napari_dgno.shared.layers import ViewRegion
    from napari_dgno.shared.loaded_models import LoadedModels

    monkeypatch.setattr(plugin_threads, "read_preferences", lambda: Preferences(threads=2))
    image = np.random.default_rng(0).integers(0, 4000, (64, 64)).astype(np.uint16)
    source, config = ImageSource(image, "YX"), RestoreConfig(device="cpu")
    *_, restored = restoring(source, config, LoadedModels())
    assert restored.provenance.versions["torch threads"] == "2"
    torch.set_num_threads(1)
    list(
        previewing(source, config, LoadedModels(), ViewRegion((), slice(0, 64), slice(0, 64), True))
    )
    assert torch.get_num_threads() == 2
