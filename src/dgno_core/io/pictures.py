"""Reading PNG, JPEG and BMP."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.io.axes import check_axes
from dgno_core.io.beginnings import beginning
from dgno_core.io.host_memory import check_room
from dgno_core.io.source import ImageSource
from dgno_core.wording import file_problem

if TYPE_CHECKING:
    from PIL import ImageFile

PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
# Modes of Pillow whose pixels need no look to tell what they become: samples and type.
MODES = {
    "L": (1, "u1"), "LA": (1, "u1"), "I;16": (1, "u2"), "RGB": (3, "u1"), "RGBA": (4, "u1"),
    "CMYK": (3, "u1"),
}  # fmt: skip
TURNED = (5, 6, 7, 8)  # orientations that swap rows and columns
COPIES = 3  # of the pixels: as decoded, turned upright, and as an array
_opening = threading.Lock()


def read_picture(path: Path, axes: str | None = None) -> ImageSource:
    """Read a PNG, JPEG or BMP file: ``YX`` or, in colour, ``YXS``.

    Raises
    ------
    DGNOError
        If the file cannot be read in full, or `axes` do not fit.
    """
    pixels = read_pixels(path)
    letters = check_axes(axes or "YXS"[: pixels.ndim], pixels.shape, path.name)
    return ImageSource(pixels, letters, name=path.name, path=path, warnings=lost_opacity(path))


def read_header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and type of the pixels that `read_pixels` gives, if possible without them.

    Raises
    ------
    DGNOError
        If the file is no picture.
    """
    with _opened(path) as file:
        mode, (width, height) = file.mode, file.size
        # Asked for the orientation, Pillow reads a PNG to its end if it is not at the beginning.
        is_jpeg = file.format == "JPEG"
        turned = is_jpeg and file.getexif().get(0x0112) in TURNED
        is_plain = mode in MODES and (is_jpeg or "exif" not in file.info)
    if not is_plain:
        pixels = read_pixels(path)
        return pixels.shape, pixels.dtype
    samples, dtype = MODES[mode]
    shape = (width, height) if turned else (height, width)
    return shape + (samples,) * (samples > 1), np.dtype(dtype)


def lost_opacity(path: Path) -> tuple[str, ...]:
    """Return a warning if a picture has an opacity that is not read."""
    with _opened(path) as file:
        lost = file.mode in ("LA", "PA", "La", "RGBa") or "transparency" in file.info
    return (f"{path.name} is partly transparent; its opacity is left out.",) if lost else ()


def read_pixels(path: Path) -> NDArray[Any]:
    """Read the pixels of a picture as the camera gave them: (Y, X) or (Y, X, 3 or 4).

    A palette of greys is resolved into grey, one of colours into RGB; the orientation that a
    JPEG asks for is applied.
    """
    from PIL import ImageOps

    with _opened(path) as file:
        width, height = file.size
        check_room(
            COPIES * width * height * max(len(file.getbands()), 4 if file.mode == "I" else 1),
            f"To read {path} ({height} x {width} pixels)",
            "close other programs or save it as TIFF",
        )
        picture = ImageOps.exif_transpose(file)
        picture.load()
    if picture.mode == "P":
        picture = picture.convert("L" if _is_grey(picture) else "RGB")
    elif picture.mode == "LA":
        picture = picture.convert("L")
    elif picture.mode in ("CMYK", "YCbCr", "LAB", "HSV", "PA", "La", "RGBa"):
        picture = picture.convert("RGB")
    pixels = np.asarray(picture)
    return pixels.astype(np.uint16) if picture.mode == "I" and _fits_16_bits(pixels) else pixels


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """Open a picture, with errors in one sentence."""
    from PIL import Image, UnidentifiedImageError

    try:
        with _opening:
            # Pillow refuses large pictures as decompression bombs; the user chose these files.
            limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                file = Image.open(path)
            finally:
                Image.MAX_IMAGE_PIXELS = limit
        with file:
            raw_mode = str(file.tile[0][3]) if file.tile else ""
            if "RGB" in raw_mode and "16" in raw_mode:
                raise DGNOError(
                    f"{path} is a colour picture of 16 bits a channel, which would lose its depth; "
                    "save it as TIFF."
                )
            yield file
    except MemoryError:
        raise DGNOError(
            f"{path} does not fit into the memory; close other programs or save it as TIFF."
        ) from None
    except UnidentifiedImageError as error:
        raise DGNOError(
            f"{path} is not a PNG, JPEG or BMP file (it begins {beginning(path)}); give the image "
            "itself, or save it as PNG."
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DGNOError(f"{path} cannot be read: {file_problem(error)}.") from error
        raise DGNOError(
            f"{path} cannot be read as a picture ({error}); it is damaged or was cut off."
        ) from error


def _is_grey(picture: Any) -> bool:
    palette = np.array(picture.getpalette("RGB")).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all()) and "transparency" not in picture.info


def _fits_16_bits(pixels: NDArray[Any]) -> bool:
    return bool(pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= 65535)
