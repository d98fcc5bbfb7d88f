"""Colour images taken as grey ones, for networks with one channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.data.pairs import FocusPair, Readable

# Brightness of linear red, green and blue (ITU-R BT.709).
LUMINANCE = (0.2126, 0.7152, 0.0722)


def brightness(pixels: NDArray[Any]) -> NDArray[Any]:
    """Brightness of ``(Y, X, 3)`` in its own type."""
    light = pixels.astype(np.float32) @ np.asarray(LUMINANCE, np.float32)
    whole = np.rint(light) if pixels.dtype.kind in "iu" else light
    return whole.astype(pixels.dtype)


@dataclass(frozen=True)
class GreyRef:
    """The brightness of an image; a grey image is itself.

    Attributes
    ----------
    image
        Any image.
    """

    image: Readable

    @property
    def name(self) -> str:
        """Name of the image."""
        return self.image.name

    def read(self) -> NDArray[Any]:
        """Return ``(Y, X)`` in its own type.

        Raises
        ------
        DGNOError
            If it cannot be read.
        """
        pixels = self.image.read()
        return pixels if pixels.ndim == 2 else brightness(pixels)


def as_grey_pairs(pairs: Sequence[FocusPair]) -> list[FocusPair]:
    """Pairs whose images are taken as grey.

    Parameters
    ----------
    pairs
        In grey or colour.
    """
    return [
        replace(
            pair,
            blurred=GreyRef(pair.blurred),
            sharp=None if pair.sharp is None else GreyRef(pair.sharp),
            stack=None if pair.stack is None else tuple(map(GreyRef, pair.stack)),
        )
        for pair in pairs
    ]
