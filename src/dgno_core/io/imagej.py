"""What ImageJ's metadata say of an image."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dgno_core.io.metadata import Channel, ImageHeader, ImageMetadata
from dgno_core.io.photometric import ramp_colour
from dgno_core.io.tiff_tags import is_plausible, tag_pixel_size
from dgno_core.io.units import micrometers, unit_name

if TYPE_CHECKING:
    from tifffile import TiffFile

#: What results do not get, by its name in ImageJ.
_OTHERS = ("ROI", "Overlays", "Plot")


def read_imagej(tiff: TiffFile) -> ImageHeader:
    """Read the metadata of the one image of an ImageJ file."""
    entries: dict[str, Any] = tiff.imagej_metadata or {}
    series = tiff.series[0]
    sizes = dict(zip(series.axes, series.shape, strict=True))
    pixel_size, units = _pixel_size(tiff, entries)
    channels, others = _channels(entries, sizes, series.axes)
    return ImageHeader(
        pixel_size,
        units,
        ImageMetadata(
            description=_text(entries.get("Info")),
            channels=channels,
            origin=dict(_origin(entries, pixel_size)),
            others=tuple(sorted({*others, *(key for key in _OTHERS if key in entries)})),
        ),
    )


def _pixel_size(
    tiff: TiffFile, entries: Mapping[str, Any]
) -> tuple[dict[str, float], dict[str, str]]:
    sizes: dict[str, float] = {}
    units: dict[str, str] = {}

    def add(letter: str, size: Any, unit: str | None) -> None:
        with contextlib.suppress(TypeError, ValueError):
            if float(size) > 0 and (name := unit_name(unit)) is not None:
                sizes[letter], units[letter] = float(size), name

    tags = tiff.pages.first.tags
    for letter in "XY":
        pixels_per_unit = tags.valueof(f"{letter}Resolution")
        if pixels_per_unit and pixels_per_unit[0]:
            add(letter, pixels_per_unit[1] / pixels_per_unit[0], entries.get("unit"))
    add("Z", entries.get("spacing"), entries.get("unit"))
    # The dots per inch of a screen, which ImageJ takes over.
    if units.get("X") == "inch" and not is_plausible(micrometers(sizes["X"], "inch") or 0):
        sizes, units = {}, {}
    if "unit" not in entries:
        sizes, units = tag_pixel_size(tiff.pages.first)
    add("T", entries.get("finterval"), "s")
    return sizes, units


def _origin(entries: Mapping[str, Any], pixel_size: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return where the first pixel lies; ImageJ counts the origin in pixels from there."""
    origin = []
    for letter in "XYZ":
        with contextlib.suppress(KeyError, TypeError, ValueError):
            pixels = float(entries[f"{letter.lower()}origin"])
            if pixels:
                origin.append((letter, -pixels * pixel_size.get(letter, 1.0)))
    return origin


def _channels(
    entries: Mapping[str, Any], sizes: Mapping[str, int], axes: str
) -> tuple[tuple[Channel, ...], set[str]]:
    """Return the channels, and what of them cannot be told."""
    count = sizes.get("C", 1)
    names, others = _names(entries.get("Labels"), sizes, axes), set()
    if names is None:
        names, others = [None] * count, {"Labels"}
    colours: list[str | None] = [None] * count
    for number, table in enumerate(_tables(entries.get("LUTs"))[:count]):
        colours[number] = ramp_colour(table)
        if colours[number] is None:
            others.add("LUTs")
    windows = _windows(entries, count)
    channels = tuple(map(Channel, names, colours, windows))
    return (channels if any(channel != Channel() for channel in channels) else ()), others


def _names(labels: Any, sizes: Mapping[str, int], axes: str) -> list[str | None] | None:
    """Return the name of each channel from the labels of its planes; None if these differ."""
    count = sizes.get("C", 1)
    if not labels:
        return [None] * count
    texts = [labels] if isinstance(labels, str) else list(map(str, labels))
    outer = [letter for letter in axes if letter in "TZC"]
    if "S" in sizes or len(texts) != np.prod([sizes[letter] for letter in outer], dtype=int):
        return None
    grid = np.array(texts, dtype=object).reshape([sizes[letter] for letter in outer])
    rows = np.moveaxis(grid, outer.index("C"), 0) if "C" in outer else grid[None]
    names = [set(row) for row in rows.reshape(count, -1)]
    return [name.pop() or None for name in names] if all(len(name) == 1 for name in names) else None


def _tables(tables: Any) -> list[np.ndarray]:
    """Return the lookup tables of the channels, each (256, 3)."""
    found = []
    with contextlib.suppress(TypeError, ValueError):
        found = [np.asarray(table).reshape(3, 256).T for table in tables]
    return found


def _windows(entries: Mapping[str, Any], count: int) -> list[tuple[float, float] | None]:
    ranges: Sequence[Any] = entries.get("Ranges") or ()
    if len(ranges) < 2 * count and count == 1 and "min" in entries and "max" in entries:
        ranges = (entries["min"], entries["max"])
    windows: list[tuple[float, float] | None] = [None] * count
    with contextlib.suppress(TypeError, ValueError):
        for number, (low, high) in enumerate(
            zip(ranges[: 2 * count : 2], ranges[1 : 2 * count : 2], strict=True)
        ):
            windows[number] = (float(low), float(high))
    return windows


def _text(info: Any) -> str | None:
    return info.strip() or None if isinstance(info, str) else None
