"""The ``omero`` block of OME-Zarr: what is said of the channels, or that these are colours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dgno_core.io.metadata import Channel
from dgno_core.io.source import ImageSource

COLOURS = {"Red": "FF0000", "Green": "00FF00", "Blue": "0000FF", "Alpha": "FFFFFF"}
WHITE = "FFFFFF"
#: NGFF has no word for it: an attribute of the group tells that its channels are colours.
MARK = "napari-dgno"
#: What is read of a channel, and what goes without saying of it.
_READ = {"label", "color", "window", "emissionWave"}
_USUAL: Mapping[str, Any] = {
    "active": True, "coefficient": 1, "family": "linear", "inverted": False,
}  # fmt: skip
Window = tuple[float, float]


def sample_names(samples: int) -> tuple[str, ...]:
    """Name the colours of a pixel."""
    known = {1: ("Grey",), 2: ("Grey", "Alpha"), 3: ("Red", "Green", "Blue")}
    known[4] = (*known[3], "Alpha")
    return known.get(samples) or tuple(f"Sample {number + 1}" for number in range(samples))


def samples_mark(samples: int) -> dict[str, Any]:
    """Return the attribute that tells that channels are the colours of a pixel."""
    return {MARK: {"samples": samples}}


def are_samples(
    attributes: Mapping[str, Any], channels: Sequence[Channel], count: int, dtype: np.dtype[Any]
) -> bool:
    """Tell whether channels are the colours of a pixel.

    They are if our mark says so. Without it, names and colours alone do not tell: the channels of
    fluorescence are often called so. Then they are if they are also of 8 bits, red, green and blue
    (and opacity), shown over their whole range, and nothing else is said of them.

    Parameters
    ----------
    attributes
        Of the group.
    channels
        As `read_channels` gives them.
    count
        Number of channels of the image.
    dtype
        Type of its pixels.
    """
    plain = [Channel(name, COLOURS.get(name, WHITE)) for name in sample_names(count)]
    looks = [(channel.name, channel.colour) for channel in channels]
    if looks != [(channel.name, channel.colour) for channel in plain]:
        return False
    if attributes.get(MARK) == samples_mark(count)[MARK]:
        return True
    is_whole = all(channel.window in (None, (0, 255)) for channel in channels)
    is_all = [replace(channel, window=None) for channel in channels] == plain
    return count in (3, 4) and dtype == np.uint8 and is_whole and is_all


def read_channels(attributes: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Channel, ...]:
    """Read the channels of an ``omero`` block, as far as it can be understood.

    Parameters
    ----------
    attributes
        The OME part of those of the group.
    dtype
        Type of the pixels.
    """
    entries = _block(attributes).get("channels")
    if not isinstance(entries, list):
        return ()
    return tuple(_read_channel(entry, dtype) for entry in entries)


def read_display(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Read what an ``omero`` block says besides its channels, such as the plane shown first."""
    block = _block(attributes)
    return {key: value for key, value in block.items() if key not in ("channels", "version")}


def omero_block(
    source: ImageSource,
    samples: int | None,
    dtype: np.dtype[Any],
    windows: Mapping[int, Window],
) -> dict[str, Any]:
    """Return the ``omero`` block of an image; empty if nothing is known of its channels.

    Parameters
    ----------
    source
        The image.
    samples
        Number of colours of a pixel, if these are the channels; otherwise None.
    dtype
        Type of the pixels in the store.
    windows
        Least and largest intensity of each channel: shown where the image names no others.
    """
    channels = list(_entries(source, samples, dtype, windows))
    return {**source.metadata.display, "channels": channels} if channels else {}


def _block(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    block = attributes.get("omero")
    return block if isinstance(block, Mapping) else {}


def _entries(
    source: ImageSource,
    samples: int | None,
    dtype: np.dtype[Any],
    windows: Mapping[int, Window],
) -> Iterator[dict[str, Any]]:
    """Describe the channels, if anything is known of them."""
    limits = _limits(dtype)
    channels = source.metadata.channels
    count = source.shape[source.axes.index("C")] if "C" in source.axes else 1
    if samples is not None:
        full = (0.0, 1.0) if limits is None else (0.0, limits[1])
        names = sample_names(samples)
        channels = tuple(Channel(name, COLOURS.get(name, WHITE), full) for name in names)
    elif not channels and source.metadata.display:
        channels = (Channel(),) * count
    elif len(channels) != count:
        return
    for number, channel in enumerate(channels):
        start, end = channel.window or windows.get(number, (0.0, 1.0))
        low, high = limits or (start, end)
        display = dict(channel.display)
        window = {"min": low, "max": high, **display.pop("window", {}), "start": start, "end": end}
        entry = {
            "label": channel.name or f"Channel {number}",
            "color": channel.colour or WHITE,
            "active": True,
            "window": window,
            **display,
        }
        if channel.emission is not None:
            entry["emissionWave"] = channel.emission  # where OMERO itself has it
        yield entry


def _limits(dtype: np.dtype[Any]) -> Window | None:
    """Return the least and largest number of a type; None of floats."""
    if dtype.kind not in "iu":
        return None
    limits = np.iinfo(dtype)
    return float(limits.min), float(limits.max)


def _read_channel(entry: Any, dtype: np.dtype[Any]) -> Channel:
    entry = entry if isinstance(entry, Mapping) else {}
    name, colour, window = entry.get("label"), entry.get("color"), entry.get("window")
    limits: Window | None = None
    emission: float | None = None
    with contextlib.suppress(KeyError, TypeError, ValueError):
        limits = (float(window["start"]), float(window["end"]))
    with contextlib.suppress(KeyError, TypeError, ValueError):
        emission = float(entry["emissionWave"])
    display = {
        key: value
        for key, value in entry.items()
        if key not in _READ and (key not in _USUAL or value != _USUAL[key])
    }
    if isinstance(window, Mapping):
        low, high = _limits(dtype) or limits or (None, None)
        usual = {"min": low, "max": high}
        rest = {key: value for key, value in window.items() if key not in ("start", "end")}
        if {**usual, **rest} != usual:
            display["window"] = rest
    return Channel(
        name=str(name) if name else None,
        colour=colour.upper() if isinstance(colour, str) and len(colour) == 6 else None,
        window=limits,
        emission=emission,
        display=display,
    )
