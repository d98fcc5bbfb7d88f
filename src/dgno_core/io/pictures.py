"""Reading PNG, JPEG and BMP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.io.axes import check_axes
from dgno_core.io.source import ImageSource

PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def read_picture(path: Path, axes: str | None = None) -> ImageSource:
    """Read a PNG, JPEG or BMP file: ``YX`` or, in colour, ``YXS``.

    Raises
    ------
    DGNOError
        If the file cannot be read in full, or `axes` do not fit.
    """
    pixels = read_pixels(path)
    letters = check_axes(axes or "YXS"[: pixels.ndim], pixels.shape, path.name)
    return ImageSource(pixels, letters, name=path.name, path=path)


def read_pixels(path: Path) -> NDArray[Any]:
    """Read the pixels of a picture as the camera gave them: (Y, X) or (Y, X, 3 or 4).

    A palette of greys is resolved into grey, one of colours into RGB; the orientation that a
    JPEG asks for is applied.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as file:
            if str(file.tile[0][3] if file.tile else "").count("RGB") and "16" in str(
                file.tile[0][3]
            ):
                raise DGNOError(
                    f"{path} is a colour picture of 16 bits a channel, which would lose its depth; "
                    "save it as TIFF."
                )
            picture: Image.Image = ImageOps.exif_transpose(file)
            picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DGNOError(
            f"{path} cannot be read as a picture ({error}); it is damaged or was cut off."
        ) from error
    if picture.mode == "P":
        picture = picture.convert("L" if _is_grey(picture) else "RGB")
    elif picture.mode == "LA":
        picture = picture.convert("L")
    elif picture.mode in ("CMYK", "YCbCr", "LAB", "HSV", "PA", "La", "RGBa"):
        picture = picture.convert("RGB")
    pixels = np.asarray(picture)
    return pixels.astype(np.uint16) if picture.mode == "I" and _fits_16_bits(pixels) else pixels


def _is_grey(picture: Any) -> bool:
    palette = np.array(picture.getpalette("RGB")).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all()) and "transparency" not in picture.info


def _fits_16_bits(pixels: NDArray[Any]) -> bool:
    return bool(pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= 65535)
