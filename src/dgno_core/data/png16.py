"""Colour PNG of 16 bits a channel, as some data sets have it; Pillow would lose its depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = (2, 6)  # RGB and RGBA


def is_png16(path: Path) -> bool:
    """Whether a file is a PNG in colour with 16 bits a channel, from its first bytes."""
    if path.suffix.lower() != ".png":
        return False
    try:
        with path.open("rb") as file:
            head = file.read(26)
    except OSError:
        return False
    return head.startswith(SIGNATURE) and len(head) == 26 and head[24] == 16 and head[25] in COLOURS


def read_png16(path: Path) -> NDArray[Any]:
    """Read it as ``(Y, X, 3)``, uint16; an opacity is left out.

    Raises
    ------
    DGNOError
        If it is damaged or was cut off.
    """
    from imagecodecs import png_decode

    try:
        pixels = np.asarray(png_decode(path.read_bytes()))
    except Exception as error:  # the decoder raises errors of its own
        raise DGNOError(
            f"{path} cannot be read as a picture ({error}); it is damaged or was cut off."
        ) from error
    return np.ascontiguousarray(pixels[..., :3])
