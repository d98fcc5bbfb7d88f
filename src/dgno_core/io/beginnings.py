"""What a file is, by its first bytes: for messages about files whose ending does not fit them."""

from __future__ import annotations

import string
from pathlib import Path

_LENGTH = 512  # bytes that are looked at
# The first bytes of a file, and what it is.
_KINDS = {
    b"II*\0": "a TIFF file",
    b"MM\0*": "a TIFF file",
    b"II+\0": "a TIFF file",
    b"MM\0+": "a TIFF file",
    b"\x89PNG": "a PNG file",
    b"\xff\xd8\xff": "a JPEG file",
    b"BM": "a BMP file",
    b"GIF8": "a GIF file",
    b"%PDF": "a PDF file",
    b"PK\x03\x04": "a zip archive or an Office document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x89HDF": "an HDF5 file, such as .ims or .h5",
    b"ZISRAWFILE": "a Zeiss CZI file",
    b"\xda\xce\xbe\x0a": "a Nikon ND2 file",
    b"\x70\0\0\0": "a Leica LIF file",
}
_TEXT = set(string.printable.encode())


def beginning(path: Path) -> str:
    """Say what a file begins with or like, to follow ``it begins``.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        first = file.read(_LENGTH)
    for signature, kind in _KINDS.items():
        if first.startswith(signature):
            return f"like {kind}"
    if not first.strip(b"\0"):
        return "with zeros"
    if first.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "like a web page"
    is_text = _is_utf8(first) and not (set(first) - _TEXT - set(range(128, 256)))
    return "with text" if is_text else "like no image that is known here"


def _is_utf8(first: bytes) -> bool:
    try:
        first.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(first) - 3 > 0  # a letter may be cut at the end
    return True
