"""How many threads are used, and that the choice reaches PyTorch and its OpenMP."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest
import torch

from dgno_core import threads


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Eight cores, nothing said in the environment, and no container."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_affinity", lambda: set(range(8)))
    monkeypatch.setattr(threads, "cpu_quota", lambda: float("inf"))
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 16 if logical else 8)
    return monkeypatch


def load(monkeypatch: pytest.MonkeyPatch, *percent: float) -> None:
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval, percpu: list(percent))


@pytest.mark.parametrize(
    ("percent", "free"),
    [
        ([0.0] * 8, 8),
        ([100.0] * 6 + [0.0] * 2, 2),
        ([100.0] * 8, 1),  # never none
        ([25.0] * 8, 6),
        ([0.0] * 16, 8),  # of two hardware threads a core, one
    ],
)
def test_only_free_cores_are_taken(
    machine: pytest.MonkeyPatch, percent: list[float], free: int
) -> None:
    load(machine, *percent)
    assert threads.free_cores() == free


def test_cores_that_are_not_ours_do_not_count(machine: pytest.MonkeyPatch) -> None:
    load(machine, 0, 0, 100, 0, *[0.0] * 4)
    machine.setattr(threads, "_affinity", lambda: {1, 2, 3})
    assert threads.free_cores() == 2
    assert threads.allowed_cores() == 3


def test_a_containers_quota_is_kept(machine: pytest.MonkeyPatch) -> None:
    load(machine, *[0.0] * 8)
    machine.setattr(threads, "cpu_quota", lambda: 2.5)
    assert threads.free_cores() == 2
    assert threads.allowed_cores() == 2
    machine.setattr(threads, "cpu_quota", lambda: 0.5)
    assert threads.free_cores() == threads.allowed_cores() == 1


def test_the_users_word_counts_more_than_the_load(machine: pytest.MonkeyPatch) -> None:
    load(machine, *[0.0] * 8)
    before = torch.get_num_threads()
    try:
        assert threads.use_threads() == 8
        machine.setenv("OMP_NUM_THREADS", "3,2")
        assert threads.use_threads() == torch.get_num_threads() == 3
        assert threads.use_threads(2) == torch.get_num_threads() == 2
        assert os.environ["OMP_NUM_THREADS"] == "3,2"  # PyTorch is loaded: nothing to tell it there
    finally:
        torch.set_num_threads(before)


def fresh(script: str, **environment: str) -> list[str]:
    """Run a script in a process of its own, with nothing said about threads but this."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


SHOWN = (
    "import os, sys; from dgno_core.threads import use_threads; use_threads({}); "
    "assert 'torch' not in sys.modules; import torch; "
    "print(torch.get_num_threads(), os.environ['OMP_WAIT_POLICY'])"
)


def test_torch_takes_the_number_when_it_is_loaded() -> None:
    # Not more than one: PyTorch takes no more from the environment than there are cores.
    assert fresh(SHOWN.format(1)) == ["1", "PASSIVE"]


def test_what_the_user_set_stays() -> None:
    said = fresh(SHOWN.format(""), OMP_NUM_THREADS="1", OMP_WAIT_POLICY="ACTIVE")
    assert said == ["1", "ACTIVE"]
