"""A picture of what goes on in a network, with its place in the image and its legend in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHOWN = 99.8  # percent of the values lie within the limits: a few large ones would hide the rest


@dataclass(frozen=True)
class RegisteredMap:
    """A map that lies on the image.

    Attributes
    ----------
    name
        Short, for layers and files: ``latent``, ``flux-h3-d1``.
    title
        For people: "Latent Q(KᵀV)".
    legend
        What the colour means, in words.
    unit
        Of the values.
    data
        ``(Y, X)``.
    scale
        Pixels of the image per pixel of the map, along Y and X.
    translate
        Where in the image the centre of the map's first pixel lies, along Y and X; the centres of
        the image's pixels are at integers.
    is_signed
        Whether the values lie on both sides of zero: a diverging colour map centred there suits
        them. Others are magnitudes from zero on.
    """

    name: str
    title: str
    legend: str
    unit: str
    data: NDArray[np.float32]
    scale: tuple[float, float]
    translate: tuple[float, float]
    is_signed: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        """Values at the ends of the colour map: 0 to nearly the largest, or as far below 0."""
        finite = np.abs(self.data[np.isfinite(self.data)])
        high = float(np.percentile(finite, SHOWN)) if finite.size else 0.0
        # A map that is zero but for a few pixels shows these.
        high = high or (float(finite.max()) if finite.size else 0.0) or 1.0
        return (-high if self.is_signed else 0.0, high)

    @property
    def colour_map(self) -> str:
        """A perceptually uniform one of matplotlib: ``RdBu_r`` around zero, else ``magma``."""
        return "RdBu_r" if self.is_signed else "magma"
