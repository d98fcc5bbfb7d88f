"""What a container or a cluster job may take of the machine: its control groups (cgroups 2 or 1).

One rule for everything that is limited: every group from the job's own up to the root may have a
limit, and the tightest counts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
UNLIMITED = 1 << 60  # bytes: cgroups 1 write a huge number where nothing is limited


def memory_room(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int | None:
    """Return how many bytes this process may still take; None if they are not limited.

    Files that the kernel keeps in memory only because there is room do not count as used.

    Parameters
    ----------
    root
        Where the groups are mounted.
    membership
        The file that names the groups of this process, as ``0::/path`` or ``4:memory:/path``.
    """
    rooms = map(_memory_room, _groups("memory", root, membership))
    return min((room for room in rooms if room is not None), default=None)


def cpu_quota(root: Path = ROOT, membership: Path = MEMBERSHIP) -> float:
    """Return how many cores' time this process may use; infinite if it is not limited.

    Parameters
    ----------
    root, membership
        See `memory_room`.
    """
    return min(map(_cpu_quota, _groups("cpu", root, membership)), default=float("inf"))


def _groups(controller: str, root: Path, membership: Path) -> Iterator[Path]:
    """Go through the folders of the groups that limit a process: its own, and those above.

    A container often sees its own group as the root, whatever its name is outside.
    """
    try:
        lines = [line.split(":", 2) for line in membership.read_text().splitlines()]
    except OSError:
        lines = []
    # Of version 2 there is one tree for everything, of version 1 one for each controller.
    own = {root: "", root / controller: ""}
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if not controllers:
            own[root] = path
        elif controller in controllers.split(","):
            own[root / controller] = path
    for mount, path in own.items():
        folder = mount / path.lstrip("/")
        yield from (level for level in (folder, *folder.parents) if level.is_relative_to(mount))


def _memory_room(group: Path) -> int | None:
    for most, taken, cached in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            limit, used = int((group / most).read_text()), int((group / taken).read_text())
        except (OSError, ValueError):  # no such file, or "max"
            continue
        with contextlib.suppress(OSError, ValueError):
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            used -= int(stat.get(cached, 0))
        if limit < UNLIMITED:
            return max(limit - used, 0)
    return None


def _cpu_quota(group: Path) -> float:
    for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            words = " ".join((group / name).read_text(encoding="ascii") for name in files)
            quota, period = map(float, words.split())
        except (OSError, ValueError):  # no such file, or "max"
            continue
        if quota > 0 and period > 0:
            return quota / period
    return float("inf")
