"""Restore takes what a preview has made of a whole image, as long as it still holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgno_core.inference import RestoreConfig, Restored, restore
from dgno_core.io import as_source
from napari_dgno.restore.work import Previewed, previewing, restoring
from napari_dgno.shared.layers import ViewRegion
from napari_dgno.shared.loaded_models import LoadedModels
from support.tiny_weights import write_tiny_models


@pytest.fixture
def config(tmp_path: Path) -> RestoreConfig:
    write_tiny_models(tmp_path)
    return RestoreConfig(model="tiny-grey", model_folder=tmp_path, device="cpu", axes="YX")


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(100, 900, (48, 64), dtype=np.uint16)


def last(events: Any) -> Any:
    *_, event = events
    return event


WHOLE = ViewRegion((), slice(0, 48), slice(0, 64), whole_view=True)


def test_the_preview_of_a_whole_image_is_its_restoration(
    config: RestoreConfig, image: np.ndarray
) -> None:
    source = as_source(image, "YX")
    previewed = last(previewing(source, config, LoadedModels(), WHOLE))
    assert isinstance(previewed, Previewed)
    assert previewed.known is not None
    events = list(restoring(source, config, LoadedModels(), previewed.known))
    assert [type(event) for event in events] == [Restored], "nothing was computed again"
    fresh = last(restoring(source, config, LoadedModels()))
    np.testing.assert_array_equal(events[0].data, fresh.data)
    np.testing.assert_array_equal(previewed.data, fresh.data)
    assert events[0].provenance.settings == fresh.provenance.settings


def test_changed_pixels_settings_or_weights_are_restored_anew(
    config: RestoreConfig, image: np.ndarray, tmp_path: Path
) -> None:
    source = as_source(image, "YX")
    known = last(previewing(source, config, LoadedModels(), WHOLE)).known
    assert known.holds_for(source, config)
    assert not known.holds_for(source, config.changed(tile=64))
    assert not known.holds_for(as_source(image.copy(), "YX"), config)
    image[20, 30] += 1
    assert not known.holds_for(source, config)
    expected = restore(image, **config.model_dump())
    again = last(restoring(source, config, LoadedModels(), known))
    np.testing.assert_array_equal(again.data, expected)
    image[20, 30] -= 1
    assert known.holds_for(source, config)
    (tmp_path / "tiny-grey.safetensors").unlink()
    assert not known.holds_for(source, config)


@pytest.mark.parametrize(
    ("shape", "axes", "region"),
    [
        ((48, 64), "YX", ViewRegion((), slice(0, 48), slice(0, 32), whole_view=False)),
        ((1, 48, 64), "ZYX", ViewRegion((0,), slice(0, 48), slice(0, 64), whole_view=True)),
    ],
)
def test_of_a_part_nothing_is_kept(
    config: RestoreConfig, shape: tuple[int, ...], axes: str, region: ViewRegion
) -> None:
    image = np.random.default_rng(1).integers(100, 900, shape, dtype=np.uint16)
    changed = config.changed(axes=axes)
    assert last(previewing(as_source(image, axes), changed, LoadedModels(), region)).known is None
