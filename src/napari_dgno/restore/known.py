"""A whole result that a preview has made already, so that Restore need not; knows no Qt."""

from __future__ import annotations

import weakref
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dgno.shared.loaded_models import Stamp, weights_stamp

if TYPE_CHECKING:
    from dgno_core.inference import RestoreConfig, Restored
    from dgno_core.io import ImageSource
    from napari_dgno.shared.layers import ViewRegion


@dataclass(frozen=True)
class Known:
    """A result, and what it was made of; see `Known.of`."""

    restored: Restored
    config: RestoreConfig
    weights: Stamp
    data: weakref.ref[Any]
    checksum: int

    @classmethod
    def of(
        cls, source: ImageSource, config: RestoreConfig, weights: Stamp, restored: Restored
    ) -> Known:
        """Keep the result of an image in memory, without keeping the image."""
        return cls(restored, config, weights, weakref.ref(source.data), _checksum(source.data))

    def holds_for(self, source: ImageSource, config: RestoreConfig) -> bool:
        """Whether restoring this image with these settings would give the same again."""
        return (
            self.config == config
            and self.data() is source.data
            and self.weights == weights_stamp(config)  # a training may have replaced the file
            and self.checksum == _checksum(source.data)
        )


def is_whole(source: ImageSource, region: ViewRegion) -> bool:
    """Whether a region is all of an image in memory."""
    layout = source.layout()
    return (
        isinstance(source.data, np.ndarray)
        and set(source.axes) <= set("YXS")
        and (region.y, region.x) == (slice(0, layout.height), slice(0, layout.width))
    )


def _checksum(data: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(data))
