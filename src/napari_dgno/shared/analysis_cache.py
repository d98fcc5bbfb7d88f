"""Results that a second analysis shows at once; knows no Qt.

A result holds for one plane of one image, region, model and settings. The image is only referred
to weakly, so that nothing is kept of a layer that the user deletes, and its pixels are compared, so
that an image that was changed in place is analysed anew.
"""

from __future__ import annotations

import dataclasses
import threading
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dgno.shared.measured import _fingerprint

if TYPE_CHECKING:
    from dgno_core.io import ImageSource
    from napari_dgno.shared.analysis_place import Place

#: Bytes that all kept results may need together.
LIMIT = 256 * 2**20


@dataclasses.dataclass(frozen=True)
class Key:
    """What a result depends on besides the image object itself; see `key_of`."""

    kind: str
    identity: int
    pixels: Hashable
    settings: Hashable


def key_of(kind: str, place: Place, *settings: Hashable) -> Key:
    """Key of an analysis at a place with some settings, the model's hash among them.

    Of the pixels, it knows only some: `plane_checksum` tells the rest, in the worker.
    """
    source, region = place.source, place.region
    where = (source.axes, region.position, str(region.y), str(region.x))
    pixels = (*where, source.shape, str(source.dtype), _fingerprint(source.data))
    physical = (tuple(source.pixel_size.items()), tuple(source.units.items()))
    return Key(kind, id(source.data), pixels, (physical, *settings))


def ranges_key(source: ImageSource, *settings: Hashable) -> Key:
    """Key of the brightness ranges of a whole stack, which many analyses share."""
    pixels = (source.axes, source.shape, str(source.dtype), _fingerprint(source.data))
    return Key("ranges", id(source.data), pixels, settings)


def plane_checksum(place: Place) -> int:
    """Checksum of every pixel of the plane, which takes a moment where planes are large.

    It is 0 for data that are not in memory: to compare them would read files.
    """
    data = place.source.data
    if not isinstance(data, np.ndarray):
        return 0
    outer = dict(zip(place.source.layout().outer, place.region.position, strict=True))
    return whole_checksum(
        data[tuple(outer.get(letter, slice(None)) for letter in place.source.axes)]
    )


class ResultCache:
    """Keeps the results that were used last, up to a size; any thread may ask.

    Parameters
    ----------
    limit : int
        Bytes of all results together; a larger one is not kept at all.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._kept: OrderedDict[Key, tuple[weakref.ref[Any], Any, int]] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: Key, data: Any) -> Any | None:
        """Return what is known of an image, or None."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            if kept[0]() is not data:
                del self._kept[key]
                return None
            self._kept.move_to_end(key)
            return kept[1]

    def put(self, key: Key, data: Any, result: Any) -> None:
        """Keep a result of an image, and drop the oldest ones if there is no room."""
        with self._lock:
            for stale in [k for k, (ref, _, _) in self._kept.items() if ref() is None]:
                del self._kept[stale]
            self._kept.pop(key, None)
            try:
                ref = weakref.ref(data)
            except TypeError:
                return  # an array type that cannot tell when it is gone
            size = byte_size(result)
            if size > self._limit:
                return
            self._kept[key] = (ref, result, size)
            while self.size > self._limit:
                self._kept.popitem(last=False)

    @property
    def size(self) -> int:
        """Bytes of all results."""
        return sum(size for _, _, size in self._kept.values())

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def byte_size(result: Any) -> int:
    """Bytes of the arrays in a result, however deep in dataclasses, mappings and sequences."""
    size = getattr(result, "nbytes", None)  # arrays, and torch's tensors
    if isinstance(size, int):
        return size
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        return sum(byte_size(getattr(result, f.name)) for f in dataclasses.fields(result))
    if isinstance(result, Mapping):
        return sum(map(byte_size, result.values()))
    if isinstance(result, list | tuple):
        return sum(map(byte_size, result))
    return 0


def whole_checksum(data: Any) -> int:
    """Checksum of every pixel of an array in memory; 0 for others, which would have to be read."""
    return zlib.crc32(np.ascontiguousarray(data).data) if isinstance(data, np.ndarray) else 0
