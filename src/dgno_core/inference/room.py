"""Whether the restoration of an image fits the memory, estimated before any pixel is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dgno_core.inference.memory import bytes_per_pixel, tile_bytes
from dgno_core.io.host_memory import check_room
from dgno_core.io.sinks import ArraySink

if TYPE_CHECKING:
    from dgno_core.inference.prepared import PreparedImage
    from dgno_core.io.sinks import ImageSink

# Copies of a plane: as it was read, restored, one group of it inverted, and on its way to the file.
RAW_COPIES = 4
# Of the samples that go through the network together: blended from their tiles in float32, and in
# the type that holds every intensity exactly, while these are scaled back, rounded and clipped.
EXACT_COPIES = 4


def restoration_bytes(job: PreparedImage, tile: int) -> int:
    """Estimate the memory of a plane and one of its tiles, in bytes.

    Parameters
    ----------
    job
        The image and the network; a tile on a graphics card is not counted.
    tile
        Largest edge of a tile in pixels.
    """
    layout, dtype = job.layout, job.source.dtype
    multiple = job.network.card.multiple
    rows, columns = (-(-size // multiple) * multiple for size in (layout.height, layout.width))
    exact = 4 if dtype.itemsize <= 2 or dtype == np.float32 else 8
    group = job.groups[0].stop - job.groups[0].start
    raw = RAW_COPIES * dtype.itemsize * (layout.colours + layout.alpha)
    floats = group * (4 + EXACT_COPIES * exact)
    needed = rows * columns * (raw + floats)
    if job.network.device.type == "cpu":
        needed += tile_bytes(
            min(tile, rows) * min(tile, columns), bytes_per_pixel(job.network.card)
        )
    return needed


def check_restoration(job: PreparedImage, tile: int, sink: ImageSink | None = None) -> None:
    """Check that a restoration fits the memory that is free.

    Parameters
    ----------
    job
        The image and the network.
    tile
        Largest edge of a tile in pixels.
    sink
        Where the result goes: whole into memory, or plane by plane into a file.

    Raises
    ------
    DGNOError
        If it does not fit.
    """
    source = job.source
    needed = restoration_bytes(job, tile)
    advice = "crop the image, or restore it where there is more memory"
    if isinstance(sink, ArraySink):
        result = source.dtype.itemsize
        for size in source.shape:
            result *= size
        needed += result
        advice = "write to a file with dgno restore, or crop the image"
    shape = " x ".join(map(str, source.shape))
    check_room(needed, f"To restore {source.name} ({shape} pixels, axes {source.axes})", advice)
