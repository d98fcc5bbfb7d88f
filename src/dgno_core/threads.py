"""How many processor threads PyTorch computes with, and that they yield while they wait.

OpenMP's threads spin while they wait for each other. On a busy machine, they then keep from the
cores the very thread that they wait for: two threads of a small network took 25 times as long as
one. So they wait asleep, and by default there are only as many as there are free cores.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection

from dgno_core.cgroups import cpu_quota

SECONDS = 0.1  # for which the cores are watched


def use_threads(requested: int = 0) -> int:
    """Let PyTorch compute with so many threads in this process.

    Where PyTorch is not loaded yet, it reads this from the environment when it is, and so do the
    processes that this one starts. What the user has set there for waiting stays as it is.

    Parameters
    ----------
    requested : int
        0 takes the user's ``OMP_NUM_THREADS``, or else measures which cores are free.

    Returns
    -------
    int
        How many.
    """
    wait_asleep()
    count = choose_threads(requested)
    loaded = sys.modules.get("torch")
    if loaded is None:
        os.environ["OMP_NUM_THREADS"] = str(count)
    else:
        loaded.set_num_threads(count)
    return count


def choose_threads(requested: int = 0) -> int:
    """Return what was asked for here or by ``OMP_NUM_THREADS``, or else how many cores are free."""
    return requested or given_threads() or free_cores()


def choose_training_threads(requested: int = 0) -> int:
    """Return what was asked for here or by ``OMP_NUM_THREADS``, or else how many cores there are.

    A run that is resumed is exactly the same only with the same number, and over hours the load of
    one moment says little.
    """
    return requested or given_threads() or allowed_cores()


def environment_with(threads: int) -> dict[str, str]:
    """Return the environment of a process that computes with so many threads."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads)}


def wait_asleep() -> None:
    """Let OpenMP's threads sleep while they wait; it is read once, when PyTorch is loaded."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def given_threads() -> int:
    """Return what ``OMP_NUM_THREADS`` says (the first of a list); 0 if it says nothing."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() else 0


def allowed_cores() -> int:
    """Return how many cores this process may use: those of its affinity, within its quota."""
    return max(1, int(min(len(_affinity()), cpu_quota())))


def free_cores() -> int:
    """Measure how many of the allowed cores are idle; at least 1.

    Of a core with two hardware threads, one is counted: the arithmetic fills it.
    """
    import psutil

    busy = psutil.cpu_percent(interval=SECONDS, percpu=True)
    idle = _idle(busy, _affinity())
    cores = psutil.cpu_count(logical=False) or len(busy)
    return max(1, round(min(idle, cores, cpu_quota())))


def _idle(busy: list[float], allowed: Collection[int]) -> float:
    """Add up what is idle of the allowed cores, given how busy each core is in percent."""
    return sum(1 - percent / 100 for core, percent in enumerate(busy) if core in allowed)


def _affinity() -> set[int]:
    """Return the numbers of the cores on which this process may run."""
    own = getattr(os, "sched_getaffinity", None)  # macOS and Windows have none
    return set(range(os.cpu_count() or 1) if own is None else own(0))
