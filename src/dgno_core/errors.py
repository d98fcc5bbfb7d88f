"""The one exception and the one warning meant for the user; and which other errors he can solve."""

from __future__ import annotations

import errno
import sys


class DGNOError(Exception):
    """A problem that the user can solve.

    Its text is one sentence that says what is wrong, with which file or layer, and what to do.
    The command line prints it and exits with status 2; napari shows it as a notification.
    """


class RestoreWarning(UserWarning):
    """Something to know about a restoration that was done, in one sentence."""


def explain_error(error: BaseException) -> str | None:
    """Say in one line what the user can do about an error; None for a fault of the program."""
    if isinstance(error, DGNOError):
        return one_line(str(error))
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(error, pydantic.ValidationError):
        return "; ".join(
            one_line(f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}")
            for fault in error.errors()
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}the disk is full; free some space or choose another place"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs, or give less at a time"
    return None


def one_line(text: str) -> str:
    """Put a text on one line."""
    return " ".join(text.split())
