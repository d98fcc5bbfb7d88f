"""Writing an image that is there already, such as a layer of napari."""

from __future__ import annotations

from collections.abc import Mapping
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


def write_image(
    path: str | Path, source: ImageSource, *, overwrite: bool = False
) -> tuple[str, ...]:
    """Write an image plane by plane as OME-TIFF, OME-Zarr or PNG, complete or not at all.

    Parameters
    ----------
    path
        Where to write; ``.tif`` or ``.tiff``, ``.zarr``, ``.png``.
    source
        The image with its axes, pixel size, units and metadata. A mask becomes 0 and 1.
    overwrite
        Whether an existing file may be replaced.

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
        for position in layout.positions():
            index = layout.index(position)
            sink.write(index, source.load(index))
        sink.close()
    except BaseException:  # also Ctrl-C
        sink.abort()
        raise
    return sink.warnings
