"""Which metadata an output format cannot hold: listed, so that a warning can name them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dgno_core.io.metadata import PLANE_LETTERS, Channel, PlaneValues
from dgno_core.io.ngff import ngff_layout
from dgno_core.io.source import ImageSource
from dgno_core.io.units import unit_name

WORDS = {
    "DeltaT": "times of planes",
    "ExposureTime": "exposure times",
    "PositionX": "positions of planes",
    "PositionY": "positions of planes",
    "PositionZ": "positions of planes",
}


def lost_in_tiff(source: ImageSource) -> list[str]:
    """Name what OME-TIFF cannot hold of an image."""
    return _named(
        [
            *_unfit_channels(source),
            *_unfit_planes(source),
            *_moved(source, "TCP"),
            *_shown(source),
            *source.metadata.others,
        ]
    )


def lost_in_zarr(source: ImageSource) -> list[str]:
    """Name what OME-Zarr cannot hold of an image."""
    metadata = source.metadata
    found = [*_unfit_channels(source)]
    if ngff_layout(source).samples is not None:
        found += ["channel names"] * any(channel != Channel() for channel in metadata.channels)
    else:
        found += ["excitation wavelengths"] * any(c.excitation for c in metadata.channels)
        found += sorted({key for channel in metadata.channels for key in channel.attributes})
    found += ["description"] * bool(metadata.description)
    found += ["time of acquisition"] * bool(metadata.acquired)
    found += ["significant bits"] * bool(metadata.significant_bits)
    for key, plane in metadata.planes.items():
        if not (key.startswith("Position") and _is_told_by_origin(source, key[-1], plane)):
            found.append(WORDS[key])
    return _named([*found, *metadata.others])


def lost_in_png(source: ImageSource) -> list[str]:
    """Name what PNG cannot hold of an image: anything but its pixels."""
    metadata = source.metadata
    channels = metadata.channels
    found = {
        "pixel size": source.pixel_size,
        "image name": metadata.title,
        "description": metadata.description,
        "time of acquisition": metadata.acquired,
        "significant bits": metadata.significant_bits,
        "channel names": any(channel.name for channel in channels),
        "channel colours": any(channel.colour for channel in channels),
        "display ranges": any(channel.window for channel in channels),
        "wavelengths": any(channel.emission or channel.excitation for channel in channels),
        "place": metadata.origin,
    }
    words = [word for word, is_there in found.items() if is_there]
    words += [*(WORDS[key] for key in metadata.planes), *_shown(source)]
    return _named([*words, *metadata.others])


def _is_told_by_origin(source: ImageSource, letter: str, plane: PlaneValues) -> bool:
    """Whether places of planes follow from where the first one lies, and from steps along z."""
    if letter not in source.metadata.origin:
        return False
    if plane.is_constant:
        return True
    step = source.pixel_size.get("Z")
    places = plane.values - plane.values[:1, :1, :1]
    even = np.arange(places.shape[-1]) * (step or 0.0)
    same_unit = unit_name(plane.unit) == source.units.get("Z")
    return letter == "Z" and bool(step) and same_unit and np.allclose(places, even)


def _named(found: list[str]) -> list[str]:
    return list(dict.fromkeys(found))


def _unfit_channels(source: ImageSource) -> Iterator[str]:
    """Name the channels if there are not as many of them as the image has."""
    sizes = dict(zip(source.axes, source.shape, strict=True))
    count = 1 if "C" in source.layout().inner else sizes.get("C", 1)
    if source.metadata.channels and len(source.metadata.channels) != count:
        yield "channel names"


def _unfit_planes(source: ImageSource) -> Iterator[str]:
    """Name the values of planes if there are not as many of them as the image has."""
    sizes = dict(zip(source.axes, source.shape, strict=True))
    inner = source.layout().inner
    shape = tuple(1 if x in inner else sizes.get(x, 1) for x in PLANE_LETTERS)
    planes: dict[str, PlaneValues] = dict(source.metadata.planes)
    for key, plane in planes.items():
        if plane.values.shape != shape:
            yield WORDS[key]


def _shown(source: ImageSource) -> Iterator[str]:
    """Name how OMERO shows the image and its channels, beyond colours and ranges."""
    metadata = source.metadata
    if metadata.display or any(channel.display for channel in metadata.channels):
        yield "display settings of OMERO"


def _moved(source: ImageSource, letters: str) -> Iterator[str]:
    for letter in letters:
        if source.metadata.origin.get(letter):
            yield f"start along {letter}"
