"""Writing an image that is there already, such as a layer of napari."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dgno_core.io.sinks import open_sink
from dgno_core.io.source import ImageSource

#: What the formats do not all know, and what holds the same numbers.
WIDER: Mapping[np.dtype[Any], np.dtype[Any]] = {
    np.dtype(bool): np.dtype(np.uint8),
    np.dtype(np.float16): np.dtype(np.float32),
}


@dataclass(frozen=True)
class PlaneWritten:
    """So many planes of an image are written."""

    done: int
    total: int


def write_image(
    path: str | Path, source: ImageSource, *, overwrite: bool = False
) -> tuple[str, ...]:
    """Write an image plane by plane as OME-TIFF, OME-Zarr or PNG, complete or not at all.

    See `write_image_events`, which also tells how far it is.

    Returns
    -------
    tuple of str
        What of the image the file cannot hold, in sentences.
    """
    work = write_image_events(path, source, overwrite=overwrite)
    while True:
        try:
            next(work)
        except StopIteration as finished:
            lost: tuple[str, ...] = finished.value
            return lost


def write_image_events(
    path: str | Path, source: ImageSource, *, overwrite: bool = False
) -> Generator[PlaneWritten, None, tuple[str, ...]]:
    """Write an image as `write_image` does, reporting on the way.

    Closing the generator cancels: nothing is left of the new file, and an older one stays.

    Parameters
    ----------
    path
        Where to write; ``.tif`` or ``.tiff``, ``.zarr``, ``.png``.
    source
        The image with its axes, pixel size, units and metadata. A mask becomes 0 and 1.
    overwrite
        Whether an existing file may be replaced.

    Yields
    ------
    PlaneWritten
        After each plane.

    Returns
    -------
    tuple of str
        What of the image the file cannot hold, in sentences.

    Raises
    ------
    DGNOError
        If the image does not fit the format, or the file cannot be written.
    """
    dtype = WIDER.get(source.dtype, source.dtype)
    sink = open_sink(path, source, dtype, overwrite=overwrite)
    layout = source.layout()
    try:
        for done, position in enumerate(layout.positions(), 1):
            index = layout.index(position)
            sink.write(index, source.load(index))
            yield PlaneWritten(done, len(layout))
        sink.close()
    except BaseException:  # also GeneratorExit and Ctrl-C
        sink.abort()
        raise
    return sink.warnings
