"""How much memory this process may still take, and a clear refusal of what is beyond it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from dgno_core.errors import DGNOError

CGROUP = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
SMALL = 1 << 26  # bytes that are not worth a look at what is free


def free_bytes() -> int:
    """Return the memory that is free, within the limits of the machine, job and process."""
    import psutil

    limits = (int(psutil.virtual_memory().available), cgroup_room(), process_room())
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


def cgroup_room(root: Path = CGROUP, membership: Path = MEMBERSHIP) -> int | None:
    """Return what a container or cluster job may still take; None if it is not limited.

    Every group from the job's own up to the root may have a limit (cgroup v2); the tightest
    counts. Files that the kernel keeps in memory only because there is room do not count as used.

    Parameters
    ----------
    root
        Where the groups are mounted.
    membership
        The file that names the group of this process, as ``0::/path``.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    own = next((line[4:] for line in lines if line.startswith("0::/")), "")
    folder = root / own
    levels = [folder, *folder.parents]
    rooms = [_room(level) for level in levels if level.is_relative_to(root)]
    return min((room for room in rooms if room is not None), default=None)


def _room(group: Path) -> int | None:
    try:
        limit = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return None
    if limit == "max":
        return None
    with contextlib.suppress(OSError, ValueError):
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        used -= int(stat.get("inactive_file", 0))
    return max(int(limit) - used, 0)
