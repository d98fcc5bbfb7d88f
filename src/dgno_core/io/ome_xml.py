"""OME-XML: what it says of an image, and what of an image goes into it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any
from xml.etree import ElementTree

import numpy as np

from dgno_core.io.metadata import (
    PLANE_LETTERS,
    Channel,
    ImageHeader,
    ImageMetadata,
    PlaneValues,
)
from dgno_core.io.source import ImageSource
from dgno_core.io.units import micrometers, unit_name, unit_symbol

#: Attributes of a plane, and of a channel beyond the ones that `Channel` names.
PLANE_KEYS = ("DeltaT", "ExposureTime", "PositionX", "PositionY", "PositionZ")
CHANNEL_KEYS = (
    "AcquisitionMode", "ContrastMethod", "Fluor", "IlluminationType", "NDFilter", "PinholeSize",
    "PinholeSizeUnit", "PockelCellSetting",
)  # fmt: skip
#: Elements that are read here, or say only how the pixels lie in the file.
_CARRIED = {"Image", "Pixels", "AcquisitionDate", "Description", "Channel", "Plane", "TiffData"}
_STRUCTURAL = {"BinData", "MetadataOnly", "BinaryOnly", "LightPath"}
_MODULO = "openmicroscopy.org/omero/dimension/modulo"
#: OME-XML has no place for the intensities between which a channel is shown but annotations.
_WINDOWS = "napari-dgno/display-range"
_UNDERSTOOD = (_MODULO, _WINDOWS)


def read_ome_xml(xml: str, number: int = 0) -> ImageHeader:
    """Read what OME-XML says of one of its images.

    Raises
    ------
    xml.etree.ElementTree.ParseError
        If the text is no XML, for example because it was cut off.
    """
    root = ElementTree.fromstring(xml)
    images = _children(root, "Image")
    image = images[number] if number < len(images) else ElementTree.Element("Image")
    pixels = next(iter(_children(image, "Pixels")), ElementTree.Element("Pixels"))
    sizes, units = _pixel_size(pixels)
    planes = dict(_planes(pixels))
    metadata = ImageMetadata(
        title=image.get("Name") or None,
        description=_text(image, "Description"),
        acquired=_text(image, "AcquisitionDate"),
        significant_bits=_integer(pixels.get("SignificantBits")),
        channels=_channels(root, pixels, number),
        origin=_origin(planes, units),
        planes=planes,
        others=tuple(sorted(_others(root, image, pixels))),
    )
    return ImageHeader(sizes, units, metadata)


def ome_xml_files(xml: str, number: int = 0) -> list[str]:
    """List the other files that OME-XML names for one of its images, or for itself.

    Raises
    ------
    xml.etree.ElementTree.ParseError
        If the text is no XML.
    """
    root = ElementTree.fromstring(xml)
    images = _children(root, "Image")
    places = images[number].iter() if number < len(images) else ()
    uuids = [element for element in places if _name(element) == "UUID"]
    # A file may have been renamed since it was written: it is known by its UUID, or by being the
    # only one that is named.
    texts = {element.text for element in uuids}
    own = root.get("UUID") or (texts.pop() if len(texts) == 1 else None)
    names = [element.get("FileName") for element in uuids if element.text != own]
    names += [element.get("MetadataFile") for element in _children(root, "BinaryOnly")]
    return list(dict.fromkeys(name for name in names if name))


def ome_xml_metadata(source: ImageSource, outer: str) -> dict[str, Any]:
    """Return what tifffile shall put into the OME-XML of an image.

    Parameters
    ----------
    source
        The image.
    outer
        The letters that count the pages of the file, in their order.
    """
    metadata = source.metadata
    entries: dict[str, Any] = {
        "Name": metadata.title,
        "Description": metadata.description,
        "AcquisitionDate": metadata.acquired,
        "SignificantBits": metadata.significant_bits,
    }
    for letter, size in source.pixel_size.items():
        if letter in "XYZT":
            key = "TimeIncrement" if letter == "T" else f"PhysicalSize{letter}"
            symbol = unit_symbol(source.units.get(letter))
            # OME counts a time without unit in seconds; a length may be one in pixels.
            if symbol is not None or letter != "T":
                entries |= {key: size, f"{key}Unit": symbol or "pixel"}
    sizes = dict(zip(source.axes, source.shape, strict=True))
    if len(metadata.channels) == (sizes["C"] if "C" in outer else 1):
        entries["Channel"] = [_channel_entry(channel) for channel in metadata.channels]
    if any(channel.window is not None for channel in metadata.channels):
        windows = {
            str(number): f"{channel.window[0]:g} {channel.window[1]:g}"
            for number, channel in enumerate(metadata.channels)
            if channel.window is not None
        }
        entries["MapAnnotation"] = {"Namespace": _WINDOWS, "Value": windows}
    entries["Plane"] = _plane_entries(source, outer, [sizes[letter] for letter in outer])
    return {key: value for key, value in entries.items() if value not in (None, [])}


def with_significant_bits(xml: str, bits: int) -> str:
    """Return the OME-XML of one image with other significant bits than it promises."""
    return re.sub(r'(<Pixels [^>]*SignificantBits=")\d+', rf"\g<1>{bits}", xml, count=1)


def _pixel_size(pixels: ElementTree.Element) -> tuple[dict[str, float], dict[str, str]]:
    sizes: dict[str, float] = {}
    units: dict[str, str] = {}
    for letter in "XYZT":
        key = "TimeIncrement" if letter == "T" else f"PhysicalSize{letter}"
        size = _number(pixels.get(key))
        symbol = pixels.get(f"{key}Unit", "s" if letter == "T" else "µm")
        unit = unit_name(symbol)
        if size is not None and size > 0 and (unit is not None or symbol == "pixel"):
            sizes[letter] = size
            if unit is not None:
                units[letter] = unit
    return sizes, units


def _channels(
    root: ElementTree.Element, pixels: ElementTree.Element, number: int
) -> tuple[Channel, ...]:
    """Read the channels; none if nothing is said of them."""
    windows = _windows(root) if number == 0 else {}
    channels = tuple(
        _channel(element, windows.get(str(place)))
        for place, element in enumerate(_children(pixels, "Channel"))
    )
    return channels if any(channel != Channel() for channel in channels) else ()


def _windows(root: ElementTree.Element) -> dict[str, tuple[float, float]]:
    windows = {}
    for annotation in _annotations(root):
        for entry in annotation.iter() if annotation.get("Namespace") == _WINDOWS else ():
            low, _, high = (entry.text or "").partition(" ")
            limits = _number(low), _number(high)
            if (key := entry.get("K")) is not None and limits[0] is not None is not limits[1]:
                windows[key] = (limits[0], limits[1])
    return windows


def _channel(element: ElementTree.Element, window: tuple[float, float] | None) -> Channel:
    colour = _integer(element.get("Color"))
    return Channel(
        window=window,
        name=element.get("Name") or None,
        colour=None if colour is None else f"{(colour & 0xFFFFFFFF) >> 8:06X}",  # from RGBA
        emission=_nanometers(element, "EmissionWavelength"),
        excitation=_nanometers(element, "ExcitationWavelength"),
        attributes={key: element.attrib[key] for key in CHANNEL_KEYS if key in element.attrib},
    )


def _channel_entry(channel: Channel) -> dict[str, Any]:
    entry: dict[str, Any] = {"Name": channel.name, **channel.attributes}
    if channel.colour is not None:
        rgba = int(channel.colour, 16) << 8 | 0xFF
        entry["Color"] = rgba - (1 << 32) if rgba >= 1 << 31 else rgba  # a signed number
    for key, length in (("Emission", channel.emission), ("Excitation", channel.excitation)):
        if length is not None:
            entry |= {f"{key}Wavelength": length, f"{key}WavelengthUnit": "nm"}
    return {key: value for key, value in entry.items() if value is not None}


def _planes(pixels: ElementTree.Element) -> Iterable[tuple[str, PlaneValues]]:
    elements = _children(pixels, "Plane")
    shape = [_integer(pixels.get(f"Size{letter}")) or 1 for letter in PLANE_LETTERS]
    # SizeC counts the colours of a pixel, too; a channel is of one plane.
    shape[1] = len(_children(pixels, "Channel")) or shape[1]
    for key in PLANE_KEYS:
        given = [element for element in elements if key in element.attrib]
        if not given or np.prod(shape) > 8 * max(len(elements), 1):
            continue  # a header that claims far more planes than it describes
        values = np.full(shape, np.nan)
        for element in given:
            place = tuple(_integer(element.get(f"The{letter}")) or 0 for letter in PLANE_LETTERS)
            number = _number(element.get(key))
            if number is not None and all(0 <= i < n for i, n in zip(place, shape, strict=True)):
                values[place] = number
        yield key, PlaneValues(values, given[0].get(f"{key}Unit"))


def _origin(planes: Mapping[str, PlaneValues], units: Mapping[str, str]) -> dict[str, float]:
    """Return where the first plane lies, along the axes where that is in the axis' own unit."""
    origin = {}
    for letter in "XYZ":
        position = planes.get(f"Position{letter}")
        if position is None or np.isnan(first := float(position.values[0, 0, 0])):
            continue
        unit, wanted = unit_name(position.unit), units.get(letter)
        if unit == wanted:
            origin[letter] = first
        elif unit is not None and wanted is not None:
            here, there = micrometers(first, unit), micrometers(1.0, wanted)
            if here is not None and there is not None:
                origin[letter] = here / there
    return origin


def _plane_entries(
    source: ImageSource, outer: str, sizes: Sequence[int]
) -> list[dict[str, float | str]]:
    """Return the attributes of each page of the file."""
    known = dict(zip(outer, sizes, strict=True))
    shape = tuple(known.get(letter, 1) for letter in PLANE_LETTERS)
    planes = _positions(source, shape) | dict(source.metadata.planes)
    planes = {key: entry for key, entry in planes.items() if entry.values.shape == shape}
    entries = []
    for at in product(*map(range, sizes)) if planes else ():
        place = dict(zip(outer, at, strict=True))
        index = tuple(place.get(letter, 0) for letter in PLANE_LETTERS)
        entry: dict[str, float | str] = {}
        for key, plane in planes.items():
            value = float(plane.values[index])
            if not np.isnan(value):
                entry[key] = value
                if plane.unit is not None:
                    entry[f"{key}Unit"] = plane.unit
        entries.append(entry)
    return entries


def _positions(source: ImageSource, shape: tuple[int, ...]) -> dict[str, PlaneValues]:
    """Return where each plane lies if the image has an origin: along z, in steps of its size."""
    positions = {}
    for letter, start in source.metadata.origin.items():
        if letter in "XYZ":
            step = source.pixel_size.get("Z", 1.0) if letter == "Z" else 0.0
            values = np.broadcast_to(start + step * np.arange(shape[-1]), shape).copy()
            symbol = unit_symbol(source.units.get(letter)) or "pixel"
            positions[f"Position{letter}"] = PlaneValues(values, symbol)
    return positions


def _others(
    root: ElementTree.Element, image: ElementTree.Element, pixels: ElementTree.Element
) -> set[str]:
    """Name the elements that are not carried on."""
    found = set()
    for parent in (root, image, pixels, *_children(pixels, "Channel")):
        for child in parent:
            name = _name(child).removesuffix("Ref")
            if name == "StructuredAnnotations" or name == "Annotation":
                if all(note.get("Namespace") in _UNDERSTOOD for note in _annotations(root)):
                    continue
                name = "StructuredAnnotations"
            if name not in _CARRIED and (name not in _STRUCTURAL or len(child)):
                found.add(name)
    return found


def _annotations(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [entry for group in _children(root, "StructuredAnnotations") for entry in group]


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(parent: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [child for child in parent if _name(child) == name]


def _text(parent: ElementTree.Element, name: str) -> str | None:
    return next((child.text for child in _children(parent, name)), None) or None


def _nanometers(element: ElementTree.Element, key: str) -> float | None:
    length = _number(element.get(key))
    unit = unit_name(element.get(f"{key}Unit", "nm"))
    size = None if length is None else micrometers(length, unit)
    return None if size is None else round(size * 1000, 6)


def _number(text: str | None) -> float | None:
    with contextlib.suppress(TypeError, ValueError):
        number = float(text)  # type: ignore[arg-type]
        return number if np.isfinite(number) else None
    return None


def _integer(text: str | None) -> int | None:
    with contextlib.suppress(TypeError, ValueError):
        return int(text)  # type: ignore[arg-type]
    return None
