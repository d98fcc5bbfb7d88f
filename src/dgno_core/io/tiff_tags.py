"""What the tags of a TIFF say of an image: those of the standard, and of MetaMorph and Zeiss."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dgno_core.io.metadata import Channel, ImageHeader, ImageMetadata
from dgno_core.io.units import micrometers, unit_name

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

Sizes = tuple[dict[str, float], dict[str, str]]
#: Micrometers that a pixel under a microscope may have. What screens, printers and scanners note,
#: 72 to 1200 dots per inch, is more: that says nothing of the specimen.
PLAUSIBLE = (0.001, 20.0)
RESOLUTION_UNITS = {2: "inch", 3: "centimeter"}
#: Tags that results do not get.
_OTHERS = (
    "DocumentName", "PageName", "Make", "Model", "DateTime", "Artist", "HostComputer", "Copyright",
    "InterColorProfile",
)  # fmt: skip
#: Programs that keep more in tags of their own, by what tifffile calls them.
_PROGRAMS = {
    "andor": "Andor", "epics": "EPICS", "fei": "FEI", "fluoview": "FluoView", "lsm": "Zeiss LSM",
    "mdgel": "MD Gel", "mediacy": "Media Cybernetics", "micromanager": "Micro-Manager",
    "ndpi": "Hamamatsu NDPI", "nih": "NIH Image", "nuvu": "Nuvu", "sem": "Zeiss SEM",
    "sis": "Olympus SIS", "stk": "MetaMorph", "tvips": "TVIPS",
}  # fmt: skip


def read_tags(tiff: TiffFile, page: TiffPage) -> ImageHeader:
    """Read what the tags say of the image that begins with `page`."""
    stk, lsm = tiff.stk_metadata or {}, tiff.lsm_metadata or {}
    own = _metamorph_size(stk) if stk else _lsm_size(lsm) if lsm else ({}, {})
    sizes, units = own if own[0] else tag_pixel_size(page)
    description, others = _description(page.description)
    created = stk.get("CreateTime")
    return ImageHeader(
        sizes,
        units,
        ImageMetadata(
            description=description,
            acquired=created.isoformat() if isinstance(created, datetime) else None,
            channels=tuple(_metamorph_channel(stk)),
            others=(*others, *(name for name in _OTHERS if page.tags.valueof(name))),
        ),
    )


def unread_programs(tiff: TiffFile) -> tuple[str, ...]:
    """Name the programs whose own tags hold more than what is read of them."""
    return tuple(f"{_PROGRAMS[flag]} metadata" for flag in sorted(tiff.flags & _PROGRAMS.keys()))


def tag_pixel_size(page: TiffPage) -> Sizes:
    """Read the pixel size from the resolution, where that can be one of a microscope.

    Returns
    -------
    tuple of dict
        Sizes in micrometers and units by letter; empty if nothing is known.
    """
    unit = RESOLUTION_UNITS.get(int(page.tags.valueof("ResolutionUnit") or 0))
    sizes = {}
    for letter in "XY":
        pixels, per = page.tags.valueof(f"{letter}Resolution") or (0, 1)
        size = micrometers(per / pixels, unit) if pixels else None
        if size is not None and is_plausible(size):
            sizes[letter] = size
    return _physical(sizes if len(sizes) == 2 else {})


def is_plausible(size: float) -> bool:
    """Tell whether a pixel of so many micrometers can be one of a microscope."""
    return PLAUSIBLE[0] <= size <= PLAUSIBLE[1]


def _metamorph_size(stk: Mapping[str, Any]) -> Sizes:
    unit = unit_name(stk.get("CalibrationUnits"))
    if not stk.get("SpatialCalibration") or unit is None:
        return {}, {}
    found = {letter: float(stk.get(f"{letter}Calibration") or 0) for letter in "XY"}
    sizes = {letter: size for letter, size in found.items() if size > 0}
    return sizes, dict.fromkeys(sizes, unit)


def _metamorph_channel(stk: Mapping[str, Any]) -> Iterator[Channel]:
    """Read the one channel that a file of MetaMorph has, if it says anything of it."""
    name, wavelength = stk.get("Name"), stk.get("wavelength")
    length = float(wavelength) if isinstance(wavelength, int | float) and wavelength > 0 else None
    if name or length:
        yield Channel(name=str(name) if name else None, emission=length)


def _lsm_size(lsm: Mapping[str, Any]) -> Sizes:
    """Read meters a voxel, and seconds between two times."""
    found = {letter: 1e6 * float(lsm.get(f"VoxelSize{letter}") or 0) for letter in "XYZ"}
    sizes, units = _physical({letter: size for letter, size in found.items() if size > 0})
    if (seconds := float(lsm.get("TimeIntervall") or 0)) > 0:  # spelt so by Zeiss
        sizes["T"], units["T"] = seconds, "second"
    return sizes, units


def _physical(sizes: dict[str, float]) -> Sizes:
    return sizes, dict.fromkeys(sizes, "micrometer")


def _description(text: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the text of the first plane, without what XML cannot hold; and what is left out."""
    planes = [plane for plane in text.split("\0") if plane.strip()]
    if not planes:
        return None, ()
    if planes[0].startswith('{"shape"'):  # how tifffile notes the shape
        try:
            known: dict[str, Any] = json.loads(planes[0])
        except ValueError:
            known = {}
        return None, tuple(key for key in known if key not in ("shape", "axes", "truncated"))
    clean = "".join(c for c in planes[0] if c.isprintable() or c in "\n\t").strip()
    return clean or None, ("descriptions of planes",) * (len(set(planes)) > 1)
