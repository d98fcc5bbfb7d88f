"""The metadata of OME-Zarr (NGFF 0.5): how an image lies in a store, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dgno_core.io.metadata import ImageMetadata
from dgno_core.io.omero import (
    MARK,
    Window,
    omero_block,
    read_channels,
    read_display,
    samples_mark,
)
from dgno_core.io.source import ImageSource
from dgno_core.io.units import unit_name

ORDER = "TPCZYX"  # of the axes; P is one of NGFF's "custom" axes
TYPES = {"T": "time", "P": "position", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
#: What is read of an image and its axes, beside ``omero``.
_READ = {"axes", "coordinateTransformations", "datasets", "name", "version"}
_READ_OF_GROUP = {
    "multiscales", "omero", "ome", "version", "bioformats2raw.layout", "_ARRAY_DIMENSIONS", MARK,
}  # fmt: skip
_READ_OF_AXIS = {"name", "type", "unit"}
_MOST = 6  # names in one list


@dataclass(frozen=True)
class NgffLayout:
    """How an image lies in a store.

    Attributes
    ----------
    axes
        Letters of the store's axes: T, C, Z, Y, X, with the colours of a pixel as C.
    order
        Which axis of the image each of them is.
    samples
        Number of colours of a pixel, if these are the channels; otherwise None.
    """

    axes: str
    order: tuple[int, ...]
    samples: int | None

    @property
    def problem(self) -> str | None:
        """Say why other programs may not open the store; None if nothing speaks against it."""
        if len(self.axes) > 5 or "S" in self.axes:
            return (
                f"OME-Zarr has no place for the axes {self.axes} together, so that other programs "
                "may not open the result; write .tif for these"
            )
        return None


def ngff_layout(source: ImageSource) -> NgffLayout:
    """Lay out an image in a store; the colours of its pixels become channels."""
    inner, axes = source.layout().inner, source.axes
    letter = next((letter for letter in "SC" if letter in inner), None)
    is_colour = letter == "C" or (letter == "S" and "C" not in axes)
    named = axes.replace("S", "C") if is_colour else axes
    order = tuple(sorted(range(len(named)), key=lambda i: (ORDER + "S").index(named[i])))
    samples = source.shape[axes.index(letter)] if is_colour and letter else None
    return NgffLayout("".join(named[i] for i in order), order, samples)


def ome_metadata(
    source: ImageSource,
    layout: NgffLayout,
    dtype: np.dtype[Any],
    windows: Mapping[int, Window],
) -> dict[str, Any]:
    """Return the attributes of the group of an OME-Zarr 0.5 image of one level.

    Parameters
    ----------
    source
        The image.
    layout
        How it lies in the store.
    dtype
        Type of the pixels in the store.
    windows
        Least and largest intensity of each channel: shown where the image names no others.
    """
    axes = []
    for letter in layout.axes:
        axis = {"name": letter.lower(), "type": TYPES.get(letter, "channel")}
        if letter in source.units:
            axis["unit"] = source.units[letter]
        axes.append(axis)
    scale = [float(source.pixel_size.get(letter, 1.0)) for letter in layout.axes]
    transformations: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    origin = [float(source.metadata.origin.get(letter, 0.0)) for letter in layout.axes]
    if any(origin):
        transformations.append({"type": "translation", "translation": origin})
    level = {"path": "0", "coordinateTransformations": transformations}
    name = source.metadata.title or source.name
    ome: dict[str, Any] = {
        "version": "0.5",
        "multiscales": [{"name": name, "axes": axes, "datasets": [level]}],
    }
    if omero := omero_block(source, layout.samples, dtype, windows):
        ome["omero"] = omero
    return {"ome": ome} | ({} if layout.samples is None else samples_mark(layout.samples))


def read_metadata(
    attributes: Mapping[str, Any],
    title: Any,
    origin: Mapping[str, float],
    dtype: np.dtype[Any],
    others: Iterable[str] = (),
) -> ImageMetadata:
    """Read what the attributes of an image say of it.

    Parameters
    ----------
    attributes
        The OME part of those of its group.
    title, origin
        Its name, and where its first pixel lies.
    dtype
        Type of its pixels.
    others
        Names of what is said of it and not read.
    """
    return ImageMetadata(
        title=title if isinstance(title, str) and title else None,
        channels=read_channels(attributes, dtype),
        origin={letter: start for letter, start in origin.items() if start},
        display=read_display(attributes),
        others=tuple(dict.fromkeys([*others, *_unread_colours(attributes)])),
    )


def unread_attributes(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the attributes of a group or an array that are not read."""
    found = sorted(f"attribute {key}" for key in attributes if key not in _READ_OF_GROUP)
    more = len(found) - _MOST
    return tuple(found) if more <= 0 else (*found[:_MOST], f"{more} more attributes")


def unread_parts(multiscales: Sequence[Any]) -> Iterator[str]:
    """Name what an image of a group says besides what is read of it."""
    first, *more = multiscales
    datasets = first["datasets"]
    if more:
        yield "further multiscales"
    if len(datasets) > 1:
        yield "lower resolutions"
    # How these were made says nothing without them.
    yield from (f"attribute {key}" for key in first if key not in {*_READ, "type", "metadata"})
    for axis in first.get("axes") or ():
        if isinstance(axis, Mapping):
            yield from (f"{key} of axes" for key in axis if key not in _READ_OF_AXIS)
            if axis.get("unit") not in (None, "", "pixel") and unit_name(axis["unit"]) is None:
                yield f"unit {axis['unit']}"
    for part in (first, datasets[0]):
        for transformation in part.get("coordinateTransformations", ()):
            kind = transformation["type"]
            if kind != "identity" and not (
                kind in ("scale", "translation") and transformation.get(kind)
            ):
                yield f"transformation {kind}"


def _unread_colours(attributes: Mapping[str, Any]) -> Iterator[str]:
    """Name the block of the channels, or their colours, where these cannot be understood."""
    omero = attributes.get("omero")
    channels = omero.get("channels", []) if isinstance(omero, Mapping) else omero
    if channels is None:
        return
    if not isinstance(channels, list):
        yield "attribute omero"
        return
    known = read_channels(attributes, np.dtype(np.uint8))
    for channel, entry in zip(known, channels, strict=True):
        if channel.colour is None and isinstance(entry, Mapping) and entry.get("color"):
            yield "channel colours"
