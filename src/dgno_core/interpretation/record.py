"""Results of an analysis as files, each with the record of how it was made."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.inference.config import RestoreConfig
from dgno_core.inference.predictor import Predictor
from dgno_core.io.provenance import Provenance, SourceRecord, now, program_version, versions
from dgno_core.io.sinks import open_sink
from dgno_core.io.source import ImageSource


def describe_analysis(
    source: ImageSource,
    network: Predictor,
    config: RestoreConfig,
    analysis: Mapping[str, Any],
    command: str,
    warnings: Sequence[str] = (),
) -> Provenance:
    """Describe how a map was made.

    Parameters
    ----------
    source, network, config
        The image, the network that looked at it, and the settings of both.
    analysis
        What else was chosen, and what the map says of itself; stands with the settings.
    command
        The `dgno explain` line that does the same.
    warnings
        What the user was told.
    """
    done = config.changed(model=network.name, device=str(network.device))
    settings = done.model_dump(mode="json", exclude={"tile", "memory_share"})
    return Provenance(
        version=program_version(),
        created=now(),
        source=SourceRecord.of(source),
        model=network.name,
        weights_sha256=network.card.weights_sha256 or None,
        settings=settings | dict(analysis),
        tile=0,  # the part is seen in one piece
        device=str(network.device),
        versions=versions("napari-dgno", "torch", "numpy"),
        command=command,
        warnings=[*source.warnings, *warnings],
    )


def command_line(analysis: str, inputs: Sequence[str | Path], options: Mapping[str, Any]) -> str:
    """Write the `dgno explain` line of an analysis, quoted for a POSIX shell.

    Options that are None are left out; those that are True stand alone, sequences are repeated
    behind their name.
    """
    words = ["dgno", "explain", analysis, *map(str, inputs)]
    for name, value in options.items():
        if value is None or value is False:
            continue
        words.append(f"--{name}")
        if isinstance(value, tuple | list):
            words += map(str, value)
        elif value is not True:
            words.append(str(value))
    return shlex.join(words)


def write_map(
    path: Path,
    data: NDArray[Any],
    source: ImageSource,
    record: Provenance,
    scale: tuple[float, float] = (1.0, 1.0),
) -> None:
    """Write a map as OME-TIFF with its record beside it.

    Parameters
    ----------
    path
        Ends in ``.tif``.
    data
        ``(Y, X)`` of a type that an image may have, or Booleans, which become 0 and 255.
    source
        The image that the map is of; gives the size of a pixel.
    record
        How the map was made.
    scale
        Pixels of the image per pixel of the map.

    Raises
    ------
    DGNOError
        If it cannot be written.
    """
    pixels = np.where(data, 255, 0).astype(np.uint8) if data.dtype == bool else data
    size = {
        letter: source.pixel_size[letter] * step
        for letter, step in zip("YX", scale, strict=True)
        if letter in source.pixel_size
    }
    units = {letter: source.units[letter] for letter in size if letter in source.units}
    image = ImageSource(pixels, "YX", size, units, source.name)
    sink = open_sink(path, image, pixels.dtype)
    try:
        sink.write((slice(None), slice(None)), pixels)
        record.write_beside(path)
        sink.close()
    except BaseException:
        sink.abort()
        raise
