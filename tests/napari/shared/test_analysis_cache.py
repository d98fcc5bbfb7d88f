"""What the panels keep for a second look, and when it no longer holds."""

from __future__ import annotations

import dataclasses
import gc
from typing import Any

import numpy as np
import pytest

from dgno_core.io.source import ImageSource
from napari_dgno.shared.analysis_cache import Key, ResultCache, byte_size, key_of, plane_checksum
from napari_dgno.shared.analysis_place import Place
from napari_dgno.shared.layers import ViewRegion


@dataclasses.dataclass
class Result:
    values: np.ndarray
    more: tuple[Any, ...] = ()


def place(data: np.ndarray, plane: int = 0, rows: slice = slice(0, 8)) -> Place:
    source = ImageSource(data, "ZYX")
    return Place(None, source, ViewRegion((plane,), rows, slice(0, 8), True))  # type: ignore[arg-type]


@pytest.fixture
def data() -> np.ndarray:
    return np.arange(3 * 8 * 8, dtype=np.uint16).reshape(3, 8, 8)


def test_the_same_look_is_known_and_any_other_is_not(data: np.ndarray) -> None:
    cache = ResultCache()
    key = key_of("trust", place(data), "model", 0.5)
    cache.put(key, data, "result")
    assert cache.get(key_of("trust", place(data), "model", 0.5), data) == "result"
    others = [
        key_of("operator", place(data), "model", 0.5),
        key_of("trust", place(data, plane=1), "model", 0.5),
        key_of("trust", place(data, rows=slice(0, 4)), "model", 0.5),
        key_of("trust", place(data), "other weights", 0.5),
        key_of("trust", place(data), "model", 0.6),
    ]
    assert all(cache.get(other, data) is None for other in others)


def test_a_pixel_that_changed_in_place_makes_another_checksum(data: np.ndarray) -> None:
    before = plane_checksum(place(data)), plane_checksum(place(data, plane=1))
    data[0, 5, 3] += 1
    after = plane_checksum(place(data)), plane_checksum(place(data, plane=1))
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_another_image_with_the_same_pixels_is_another_image(data: np.ndarray) -> None:
    cache, twin = ResultCache(), data.copy()
    key = Key("trust", 0, "pixels", ())
    cache.put(key, data, "result")
    assert cache.get(key, twin) is None


def test_the_oldest_goes_when_there_is_no_room_and_the_used_one_stays() -> None:
    image = np.zeros(1)
    cache = ResultCache(limit=2500)
    keys = [Key("k", number, (), ()) for number in range(3)]
    for key in keys[:2]:
        cache.put(key, image, Result(np.zeros(1000, np.uint8)))
    assert cache.get(keys[0], image) is not None
    cache.put(keys[2], image, Result(np.zeros(1000, np.uint8)))
    assert [cache.get(key, image) is not None for key in keys] == [True, False, True]
    assert cache.size == 2000
    cache.put(Key("large", 0, (), ()), image, np.zeros(5000, np.uint8))
    assert cache.size == 2000


def test_results_of_a_deleted_image_are_dropped() -> None:
    cache = ResultCache()
    image, kept = np.zeros(10), np.zeros(10)
    cache.put(Key("a", 0, (), ()), image, np.zeros(1000, np.uint8))
    del image
    gc.collect()
    cache.put(Key("b", 0, (), ()), kept, np.zeros(10, np.uint8))
    assert cache.size == 10


def test_arrays_are_counted_however_deep() -> None:
    part = np.zeros(10, np.uint8)
    assert byte_size(Result(part, ({"a": part}, [Result(part)], "text"))) == 30
