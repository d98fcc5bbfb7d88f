"""The part of an image, as it is given on the command line."""

from __future__ import annotations

import re

from dgno_core.errors import DGNOError

_FORM = re.compile(r"(\d*):(\d*),(\d*):(\d*)")


def parse_region(text: str | None) -> tuple[slice, slice]:
    """Read ``rows,columns``, each ``start:stop``; None is the whole image.

    Raises
    ------
    DGNOError
        If it is not of that form.
    """
    if text is None:
        return slice(None), slice(None)
    match = _FORM.fullmatch(text.replace(" ", ""))
    if match is None:
        raise DGNOError(f"The region {text!r} is not of the form 0:256,128:384 (rows, columns).")
    top, bottom, left, right = (int(part) if part else None for part in match.groups())
    return slice(top, bottom), slice(left, right)


def parse_plane(text: str | None) -> tuple[int, ...]:
    """Read where a plane is along the axes besides Y and X, such as ``3`` or ``0,3``.

    Raises
    ------
    DGNOError
        If it is not of that form.
    """
    if text is None:
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise DGNOError(f"The plane {text!r} is not of the form 3 or 0,3.") from None
