"""The limits of containers and cluster jobs: one rule for memory and processors."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgno_core.cgroups import cpu_quota, memory_room

INFINITE = float("inf")


def limit(group: Path, most: str, used: int, files: int | None = None) -> None:
    """Write what the kernel tells about a group of version 2."""
    group.mkdir(parents=True, exist_ok=True)
    (group / "memory.max").write_text(f"{most}\n")
    (group / "memory.current").write_text(f"{used}\n")
    if files is not None:
        (group / "memory.stat").write_text(f"anon {used - files}\ninactive_file {files}\n")


def old_limit(group: Path, most: int, used: int, files: int) -> None:
    """Write what the kernel tells about a group of version 1."""
    group.mkdir(parents=True, exist_ok=True)
    (group / "memory.limit_in_bytes").write_text(f"{most}\n")
    (group / "memory.usage_in_bytes").write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"cache 9\ntotal_inactive_file {files}\n")


def quota(group: Path, cores: float | None, *, is_old: bool = False) -> None:
    group.mkdir(parents=True, exist_ok=True)
    time = None if cores is None else int(cores * 100_000)
    if is_old:
        (group / "cpu.cfs_quota_us").write_text(f"{-1 if time is None else time}\n")
        (group / "cpu.cfs_period_us").write_text("100000\n")
    else:
        (group / "cpu.max").write_text(f"{'max' if time is None else time} 100000\n")


def test_the_tightest_limit_counts_and_cached_files_do_not(tmp_path: Path) -> None:
    membership = tmp_path / "membership"
    membership.write_text("4:memory:/old\n0::/slurm/job 7\n")
    root = tmp_path / "cgroup"
    assert memory_room(root, membership) is None
    limit(root / "slurm" / "job 7", "5000", 4000, 3000)
    assert memory_room(root, membership) == 4000
    limit(root / "slurm", "max", 9000)
    limit(root, "6000", 4500)
    assert memory_room(root, membership) == 1500
    limit(root, "6000", 7000)
    assert memory_room(root, membership) == 0


@pytest.mark.parametrize("text", ["0::/\n", "0::/elsewhere\n", "4:memory:/old\n", None])
def test_a_container_sees_its_limit_at_the_root(tmp_path: Path, text: str | None) -> None:
    membership = tmp_path / "membership"
    if text is not None:
        membership.write_text(text)
    limit(tmp_path / "cgroup", "5000", 2000)
    limit(tmp_path / "cgroup" / "other", "10", 1)
    assert memory_room(tmp_path / "cgroup", membership) == 3000


def test_memory_of_the_older_kind_is_limited_by_the_same_rule(tmp_path: Path) -> None:
    membership = tmp_path / "membership"
    membership.write_text("9:cpu,cpuacct:/other\n4:memory:/slurm/job\n0::/\n")
    root = tmp_path / "cgroup"
    old_limit(root / "memory", (1 << 63) - 4096, 10, 0)  # none
    assert memory_room(root, membership) is None
    old_limit(root / "memory" / "slurm" / "job", 5000, 4000, 3000)
    old_limit(root / "memory" / "other", 10, 1, 0)
    assert memory_room(root, membership) == 4000
    old_limit(root / "memory" / "slurm", 6000, 4500, 0)
    assert memory_room(root, membership) == 1500


@pytest.mark.parametrize("is_old", [False, True])
def test_the_tightest_quota_of_the_cores_counts(tmp_path: Path, *, is_old: bool) -> None:
    membership = tmp_path / "membership"
    root = tmp_path / "cgroup"
    top = root / "cpu" if is_old else root
    membership.write_text("9:cpu,cpuacct:/slurm/job\n" if is_old else "0::/slurm/job\n")
    assert cpu_quota(root, membership) == INFINITE
    quota(top, None, is_old=is_old)
    assert cpu_quota(root, membership) == INFINITE
    quota(top / "slurm" / "job", 1.5, is_old=is_old)
    quota(top / "other", 0.5, is_old=is_old)
    assert cpu_quota(root, membership) == 1.5
    quota(top / "slurm", 1.25, is_old=is_old)
    assert cpu_quota(root, membership) == 1.25


@pytest.mark.parametrize("is_old", [False, True])
def test_a_container_sees_its_quota_at_the_root(tmp_path: Path, *, is_old: bool) -> None:
    quota(tmp_path / "cpu" if is_old else tmp_path, 4, is_old=is_old)
    assert cpu_quota(tmp_path, tmp_path / "none") == 4
    (tmp_path / "outside").write_text("9:cpu:/docker/12\n0::/docker/12\n")
    assert cpu_quota(tmp_path, tmp_path / "outside") == 4
