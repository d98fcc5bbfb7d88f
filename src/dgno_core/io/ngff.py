"""The metadata of OME-Zarr (NGFF 0.5): how an image lies in a store, and what is said of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dgno_core.io.metadata import Channel, ImageMetadata
from dgno_core.io.source import ImageSource

ORDER = "TPCZYX"  # of the axes; P is one of NGFF's "custom" axes
TYPES = {"T": "time", "P": "position", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
COLOURS = {"Red": "FF0000", "Green": "00FF00", "Blue": "0000FF", "Alpha": "FFFFFF"}
WHITE = "FFFFFF"
Window = tuple[float, float]


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


def sample_names(samples: int) -> tuple[str, ...]:
    """Name the colours of a pixel; channels of these names are read as its colours again."""
    known = {1: ("Grey",), 2: ("Grey", "Alpha"), 3: ("Red", "Green", "Blue")}
    known[4] = (*known[3], "Alpha")
    return known.get(samples) or tuple(f"Sample {number + 1}" for number in range(samples))


def are_samples(channels: Sequence[Channel], count: int) -> bool:
    """Tell whether channels are the colours of a pixel, by their names and colours."""
    names = sample_names(count)
    return len(channels) == count and all(
        channel.name == name and channel.colour == COLOURS.get(name, WHITE)
        for channel, name in zip(channels, names, strict=True)
    )


def ome_metadata(
    source: ImageSource,
    layout: NgffLayout,
    dtype: np.dtype[Any],
    windows: Mapping[int, Window],
) -> dict[str, Any]:
    """Return the attributes of an OME-Zarr 0.5 image of one level.

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
    if channels := list(_omero_channels(source, layout, dtype, windows)):
        ome["omero"] = {"channels": channels}
    return {"ome": ome}


def read_channels(attributes: Mapping[str, Any]) -> tuple[Channel, ...]:
    """Read the channels of an ``omero`` block, as far as it can be understood."""
    omero = attributes.get("omero")
    entries = omero.get("channels") if isinstance(omero, Mapping) else None
    return tuple(map(_read_channel, entries)) if isinstance(entries, list) else ()


def read_metadata(
    attributes: Mapping[str, Any], title: Any, origin: Mapping[str, float]
) -> ImageMetadata:
    """Read what the attributes of an image say of it."""
    return ImageMetadata(
        title=title if isinstance(title, str) and title else None,
        channels=read_channels(attributes),
        origin={letter: start for letter, start in origin.items() if start},
    )


def _omero_channels(
    source: ImageSource,
    layout: NgffLayout,
    dtype: np.dtype[Any],
    windows: Mapping[int, Window],
) -> Iterator[dict[str, Any]]:
    """Describe the channels, if anything is known of them."""
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    channels = source.metadata.channels
    if layout.samples is not None:
        full = (0.0, 1.0) if limits is None else (0.0, float(limits.max))
        names = sample_names(layout.samples)
        channels = tuple(Channel(name, COLOURS.get(name, WHITE), full) for name in names)
    elif len(channels) != (source.shape[source.axes.index("C")] if "C" in source.axes else 1):
        return
    for number, channel in enumerate(channels):
        start, end = channel.window or windows.get(number, (0.0, 1.0))
        low, high = (start, end) if limits is None else (float(limits.min), float(limits.max))
        entry = {
            "label": channel.name or f"Channel {number}",
            "color": channel.colour or WHITE,
            "active": True,
            "window": {"min": low, "max": high, "start": start, "end": end},
        }
        if channel.emission is not None:
            entry["emissionWave"] = channel.emission  # where OMERO itself has it
        yield entry


def _read_channel(entry: Any) -> Channel:
    entry = entry if isinstance(entry, Mapping) else {}
    name, colour, window = entry.get("label"), entry.get("color"), entry.get("window")
    limits: Window | None = None
    emission: float | None = None
    with contextlib.suppress(KeyError, TypeError, ValueError):
        limits = (float(window["start"]), float(window["end"]))
    with contextlib.suppress(KeyError, TypeError, ValueError):
        emission = float(entry["emissionWave"])
    return Channel(
        name=str(name) if name else None,
        colour=colour.upper() if isinstance(colour, str) and len(colour) == 6 else None,
        window=limits,
        emission=emission,
    )
