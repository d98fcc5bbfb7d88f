"""Colour images taken as grey ones: by brightness for networks, by the mean for measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.data.pairs import FocusPair, Readable
from dgno_core.errors import DGNOError

Floats: TypeAlias = NDArray[np.float64]

# Brightness of linear red, green and blue (ITU-R BT.709).
LUMINANCE = (0.2126, 0.7152, 0.0722)
SMALLEST = 8  # pixels along Y and X, of a plane that is measured


def as_grey(image: ArrayLike) -> Floats:
    """Return ``(Y, X)`` or ``(Y, X, 3)`` as grey ``(Y, X)``, float64: the mean of the colours.

    Raises
    ------
    DGNOError
        If it has another shape, is smaller than 8 x 8 pixels, or not finite.
    """
    pixels = np.asarray(image)
    if pixels.ndim == 3 and pixels.shape[-1] in (3, 4):
        pixels = pixels[..., :3].mean(-1)
    if pixels.ndim != 2 or min(pixels.shape) < SMALLEST:
        raise DGNOError(
            f"A plane of at least {SMALLEST} x {SMALLEST} pixels is needed, grey or RGB; this one "
            f"has shape {np.shape(image)}."
        )
    grey = pixels.astype(np.float64)
    if not np.isfinite(grey).all():
        raise DGNOError("The image holds pixels that are NaN or infinite; replace them first.")
    return grey


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
