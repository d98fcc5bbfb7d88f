"""How much memory a device has free, within the limits of a container or cluster job."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CGROUP = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def available_bytes(device: torch.device) -> int:
    """Return the memory that is free on a device; for the CPU, within the job's own limit."""
    import torch

    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What PyTorch keeps for reuse is free for us too.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + kept)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    import psutil

    free = int(psutil.virtual_memory().available)
    limit = cgroup_room()
    return free if limit is None else min(free, limit)


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
