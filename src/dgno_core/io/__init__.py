"""Images in and out: any axes, plane by plane, complete or not at all."""

from __future__ import annotations

from dgno_core.io.normalise import IntensityRange
from dgno_core.io.provenance import Provenance, read_beside
from dgno_core.io.read import read_image
from dgno_core.io.sinks import ArraySink, ImageSink, open_sink
from dgno_core.io.source import ImageSource, as_source
from dgno_core.io.write import write_image

__all__ = [
    "ArraySink",
    "ImageSink",
    "ImageSource",
    "IntensityRange",
    "Provenance",
    "as_source",
    "open_sink",
    "read_beside",
    "read_image",
    "write_image",
]
