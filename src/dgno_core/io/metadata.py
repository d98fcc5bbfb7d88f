"""What a file says of an image besides its pixels, in one form for all formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Letters along which a value of a plane may differ, in the order of `PlaneValues.values`.
PLANE_LETTERS = "TCZ"


@dataclass(frozen=True)
class Channel:
    """What a file says of one channel.

    Attributes
    ----------
    name
        Such as DAPI.
    colour
        In which it is shown, as ``RRGGBB``.
    window
        Intensities that are shown as black and as the full colour.
    emission, excitation
        Wavelengths in nanometers.
    attributes
        Anything else that OME-XML has an attribute for, in its words (``Fluor`` ...).
    display
        How OMERO shows it besides, in the words of OME-Zarr (``active``, ``inverted`` ...).
    """

    name: str | None = None
    colour: str | None = None
    window: tuple[float, float] | None = None
    emission: float | None = None
    excitation: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    display: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PlaneValues:
    """A value of each plane, such as the time at which it was taken.

    Attributes
    ----------
    values
        ``(T, C, Z)``; NaN where the file says nothing.
    unit
        Symbol of the unit as OME-XML has it; None if it does not say.
    """

    values: NDArray[np.float64]
    unit: str | None = None

    @property
    def is_constant(self) -> bool:
        """Whether all planes have the same value."""
        return bool((self.values == self.values.flat[0]).all())


@dataclass(frozen=True)
class ImageMetadata:
    """What a file says of an image besides pixels, axes and pixel size.

    Attributes
    ----------
    title
        The name that the image has in its file.
    description, acquired
        Free text; date and time as the file has them.
    significant_bits
        How many bits of a pixel the camera filled.
    channels
        One for each channel, or none.
    origin
        Where the first pixel lies along some of the axes, in the units of the pixel size.
    planes
        Values of the single planes by their names in OME-XML (``DeltaT``, ``ExposureTime``,
        ``PositionX`` ...).
    display
        How OMERO shows the image, in the words of OME-Zarr (``rdefs`` ...).
    others
        Names of what the file says beyond this, which is not carried on.
    """

    title: str | None = None
    description: str | None = None
    acquired: str | None = None
    significant_bits: int | None = None
    channels: tuple[Channel, ...] = ()
    origin: Mapping[str, float] = field(default_factory=dict)
    planes: Mapping[str, PlaneValues] = field(default_factory=dict)
    display: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()


NOTHING = ImageMetadata()


@dataclass(frozen=True)
class ImageHeader:
    """What a file says of an image: pixel size and units by letter, and everything else."""

    pixel_size: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    metadata: ImageMetadata = NOTHING
