"""How much memory this process may still take, and a clear refusal of what is beyond it."""

from __future__ import annotations

import sys

from dgno_core.cgroups import memory_room
from dgno_core.errors import DGNOError

SMALL = 1 << 26  # bytes that are not worth a look at what is free


def free_bytes() -> int:
    """Return the memory that is free, within the limits of the machine, job and process."""
    import psutil

    limits = (int(psutil.virtual_memory().available), memory_room(), process_room())
    return min(limit for limit in limits if limit is not None)


def check_room(needed: int, what: str, advice: str) -> None:
    """Check that there is memory for something.

    Parameters
    ----------
    needed
        Its bytes.
    what
        What needs them, as the beginning of a sentence.
    advice
        What to do otherwise.

    Raises
    ------
    DGNOError
        If there is less.
    """
    if needed > SMALL and needed > (free := free_bytes()):
        raise DGNOError(
            f"{what} takes about {gigabytes(needed)} GB of memory, but {gigabytes(free)} GB are "
            f"free; {advice}."
        )


def gigabytes(count: float) -> str:
    """Write a number of bytes in GB: with one digit, and none where that says nothing."""
    return f"{count / 1e9:.1f}" if count < 1e11 else f"{count / 1e9:,.0f}"


def process_room() -> int | None:
    """Return what this process may still take of its address space (``ulimit -v``)."""
    if sys.platform == "win32":
        return None
    import resource

    import psutil

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    return max(int(limit) - int(psutil.Process().memory_info().vms), 0)
