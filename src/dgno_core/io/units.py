"""Names of units: one spelling inside, whatever the file says."""

from __future__ import annotations

SPELLINGS = {
    "micrometer": ("µm", "μm", "um", "micron", "microns", "micrometre", "\\u00b5m"),
    "nanometer": ("nm", "nanometre"),
    "millimeter": ("mm", "millimetre"),
    "centimeter": ("cm", "centimetre"),
    "meter": ("m", "metre"),
    "angstrom": ("å", "Å", "a"),
    "inch": ("in",),
    "second": ("s", "sec", "seconds"),
    "millisecond": ("ms",),
    "minute": ("min",),
    "hour": ("h",),
}
SYMBOLS = {
    "angstrom": "Å",
    **{name: known[0] for name, known in SPELLINGS.items() if name != "angstrom"},
}
MICROMETERS = {
    "angstrom": 1e-4, "nanometer": 1e-3, "micrometer": 1.0, "millimeter": 1e3,
    "centimeter": 1e4, "meter": 1e6, "inch": 25400.0,
}  # fmt: skip


def unit_name(text: str | None) -> str | None:
    """Return the UDUNITS name of a unit, as OME-Zarr and napari use it; None if it says nothing."""
    key = (text or "").strip().lower()
    for name, known in SPELLINGS.items():
        if key == name or key in known:
            return name
    return None


def unit_symbol(name: str | None) -> str | None:
    """Return the symbol that OME-TIFF uses for a unit's name."""
    return SYMBOLS.get(name or "")


def micrometers(size: float, unit: str | None) -> float | None:
    """Convert a length; None if the unit is no length."""
    factor = MICROMETERS.get(unit or "")
    return None if factor is None else size * factor
