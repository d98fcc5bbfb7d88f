"""A whole result that a preview has made already, so that Restore need not; knows no Qt."""

from __future__ import annotations

import weakref
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dgno_core.errors import DGNOError
from dgno_core.io.axes import is_colour
from napari_dgno.shared.models import find_card

if TYPE_CHECKING:
    from dgno_core.inference import RestoreConfig, Restored
    from dgno_core.io import ImageSource
    from napari_dgno.shared.layers import Region


@dataclass(frozen=True)
class Known:
    """A result, and what it was made of; see `Known.of`."""

    restored: Restored
    config: RestoreConfig
    data: weakref.ref[Any]
    checksum: int

    @classmethod
    def of(cls, source: ImageSource, config: RestoreConfig, restored: Restored) -> Known:
        """Keep the result of an image in memory, without keeping the image."""
        return cls(restored, config, weakref.ref(source.data), _checksum(source.data))

    def holds_for(self, source: ImageSource, config: RestoreConfig) -> bool:
        """Whether restoring this image with these settings would give the same again."""
        return (
            self.config == config
            and self.data() is source.data
            and self.restored.provenance.weights_sha256 == _weights(source, config)
            and self.checksum == _checksum(source.data)
        )


def is_whole(source: ImageSource, region: Region) -> bool:
    """Whether a region is all of an image in memory."""
    layout = source.layout()
    return (
        isinstance(source.data, np.ndarray)
        and set(source.axes) <= set("YXS")
        and (region.y, region.x) == (slice(0, layout.height), slice(0, layout.width))
    )


def _checksum(data: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(data))


def _weights(source: ImageSource, config: RestoreConfig) -> str | None:
    """Hash of the weights that would be taken now: a training may have replaced the file."""
    colour = is_colour(source.axes, source.shape, source.dtype)
    try:
        return find_card(config.model, colour=colour, folder=config.model_folder).weights_sha256
    except DGNOError:
        return None
