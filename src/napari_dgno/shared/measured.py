"""Brightness ranges that one preview measures and the next can use; knows no Qt.

Measuring reads the whole stack, so it is worth keeping, as long as nothing else is kept with it:
the image is only referred to weakly, and is gone when the user deletes it.
"""

from __future__ import annotations

import weakref
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dgno.shared.loaded_models import weights_stamp

if TYPE_CHECKING:
    from dgno_core.inference import RestoreConfig
    from dgno_core.io import ImageSource

#: So many pixels of an array tell whether it was changed in place.
_SAMPLED = 4096


@dataclass(frozen=True)
class MeasuredRanges:
    """Ranges of a stack, and what they were measured on and with; see `MeasuredRanges.of`."""

    ranges: tuple[Any, ...]
    data: weakref.ref[Any]
    fingerprint: int
    settings: tuple[Any, ...]

    @classmethod
    def of(
        cls, source: ImageSource, config: RestoreConfig, ranges: tuple[Any, ...]
    ) -> MeasuredRanges:
        """Keep `ranges` of an image without keeping the image."""
        return cls(ranges, weakref.ref(source.data), _fingerprint(source.data), _settings(config))

    def hold_for(self, source: ImageSource, config: RestoreConfig) -> bool:
        """Whether the ranges are those of this image, unchanged, under these settings."""
        return (
            self.settings == _settings(config)
            and self.data() is source.data
            and self.fingerprint == _fingerprint(source.data)
        )


def _settings(config: RestoreConfig) -> tuple[Any, ...]:
    """Return the settings that ranges depend on."""
    return weights_stamp(config), config.axes, config.normalise


def _fingerprint(data: Any) -> int:
    """Checksum of pixels spread over an array in memory; of others, that would read files."""
    if not isinstance(data, np.ndarray):
        return 0
    places = np.linspace(0, data.size - 1, min(data.size, _SAMPLED)).astype(np.intp)
    return zlib.crc32(data[np.unravel_index(places, data.shape)].tobytes())
