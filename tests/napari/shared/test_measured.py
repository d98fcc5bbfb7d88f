"""Brightness ranges are used again only for the same image, and do not keep it alive."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import dask.array as da
import numpy as np
import pytest

from dgno_core.inference import RegionRestored, Restorer
from dgno_core.inference.config import RestoreConfig
from dgno_core.io import ImageSource, as_source
from napari_dgno.restore.work import previewing
from napari_dgno.shared.layers import ViewRegion
from napari_dgno.shared.loaded_models import LoadedModels
from napari_dgno.shared.measured import MeasuredRanges

CONFIG = RestoreConfig(axes="ZYX")


def stack() -> ImageSource:
    return as_source(np.arange(3 * 40 * 50, dtype=np.uint16).reshape(3, 40, 50))


@pytest.mark.parametrize("lazy", [False, True])
def test_ranges_hold_for_the_same_image_and_settings(lazy: bool) -> None:
    source = as_source(da.zeros((3, 40, 50), dtype=np.uint16)) if lazy else stack()
    measured = MeasuredRanges.of(source, CONFIG, (1,))
    again = as_source(source.data, name="the same pixels in another description")
    assert measured.hold_for(again, CONFIG)
    assert measured.hold_for(again, RestoreConfig(axes="ZYX", tile=64, device="cpu"))
    assert not measured.hold_for(again, RestoreConfig(axes="TYX"))
    assert not measured.hold_for(again, RestoreConfig(axes="ZYX", normalise="plane"))
    assert not measured.hold_for(as_source(source.data.copy()), CONFIG)


def test_an_image_changed_in_place_is_measured_again() -> None:
    source = stack()
    measured = MeasuredRanges.of(source, CONFIG, (1,))
    source.data[1] += 7  # type: ignore[index]
    assert not measured.hold_for(source, CONFIG)


def test_the_image_is_not_kept() -> None:
    source = stack()
    measured = MeasuredRanges.of(source, CONFIG, (1,))
    del source
    gc.collect()
    assert measured.data() is None
    assert not measured.hold_for(stack(), CONFIG)


def test_the_second_preview_measures_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Any] = []

    def region_events(self: Restorer, *_: Any, ranges: Any) -> Iterator[RegionRestored]:
        used.append(ranges)
        measured = None if self.config.normalise == "plane" else ranges or (len(used),)
        yield RegionRestored(np.zeros((20, 20), np.uint16), measured, "fake")

    monkeypatch.setattr(Restorer, "region_events", region_events)
    models = LoadedModels()
    source, region = stack(), ViewRegion((1,), slice(0, 20), slice(0, 20), whole_view=True)
    (first,) = previewing(source, CONFIG, models, region)
    (second,) = previewing(source, CONFIG, models, region, first.measured)
    source.data[:] = 5  # type: ignore[index]
    (third,) = previewing(source, CONFIG, models, region, second.measured)
    by_plane = RestoreConfig(normalise="plane")
    (fourth,) = previewing(source, by_plane, models, region, third.measured)
    assert used == [None, (1,), None, None]
    assert second.measured.ranges == (1,)
    assert third.measured.ranges == (3,)
    assert fourth.measured is None
