"""A run on disk: its process, its log, and how it stands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dgno_core.training.runs import run as run_module
from dgno_core.training.runs.manage import copy_model, kept_model
from dgno_core.training.runs.run import Run, State, explain, find_runs

FAKE = Path(__file__).parents[2] / "support" / "fake_training.py"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr(run_module, "COMMAND", (sys.executable, str(FAKE)))
    monkeypatch.setenv("DGNO_FAKE", json.dumps({"steps": 400, "delay": 0.03}))
    folder = tmp_path / "runs" / "cells"
    folder.mkdir(parents=True)
    (folder / "config.yaml").touch()
    run = Run(folder)
    yield run
    if run._process is not None:
        run._process.kill()
        run._process.wait()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def wait_for_step(run: Run, step: int) -> None:
    wait_for(lambda: run.log.read() and run.record.step >= step)


def test_a_run_is_stopped_and_resumed_by_another_napari(run: Run) -> None:
    run.start()
    wait_for_step(run, 5)
    assert run.state() is State.RUNNING
    other = Run(run.folder)
    assert other.is_alive()
    other.log.read_all()
    assert not other.is_starting
    other.ask_to_stop()
    wait_for(lambda: not other.is_alive())
    other.log.read_all()
    assert other.state() is State.STOPPED
    stopped_at = other.record.step
    other.start()
    try:
        assert other.is_starting
        wait_for_step(other, stopped_at + 1)
        assert other.record.starts == 2
        assert [step for step, _ in other.record.losses] == list(range(1, other.record.step + 1))
    finally:
        other._process.kill()
        other._process.wait()


def test_a_killed_run_is_noticed_and_goes_on_from_its_checkpoint(run: Run) -> None:
    run.start()
    wait_for_step(run, 6)
    picked_up = Run(run.folder)
    os.kill(run._process.pid, signal.SIGKILL)
    wait_for(lambda: not run.is_alive())
    assert not picked_up.is_alive()
    run.log.read_all()
    assert run.state() is State.INTERRUPTED
    assert run.can_resume()
    last = int((run.folder / "last.pt").read_text())
    run.start()
    wait_for_step(run, last + 1)
    steps = [step for step, _ in run.record.losses]
    assert steps == sorted(set(steps))


def test_a_zombie_does_not_train(run: Run) -> None:
    """The process of a panel that was closed is nobody's to wait for."""
    run.start()
    wait_for_step(run, 1)
    process, run._process = run._process, None
    process.kill()
    try:
        wait_for(lambda: not run.is_alive())
    finally:
        process.wait()


def test_the_process_outlives_the_one_that_started_it(run: Run) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from dgno_core.training.runs import run as run_module\n"
        f"run_module.COMMAND = (sys.executable, {str(FAKE)!r})\n"
        f"run_module.Run(Path({str(run.folder)!r})).start()\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120)
    assert run.is_alive()  # also before it has taken the folder
    wait_for_step(run, 3)
    run.ask_to_stop()
    wait_for(lambda: not run.is_alive())


def test_a_deaf_process_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGNO_FAKE", json.dumps({"steps": 4000, "delay": 0.02, "deaf": True}))
    monkeypatch.setattr(run_module, "PATIENCE", 0.5)
    monkeypatch.setattr(run_module, "LAST_PATIENCE", 0.5)
    run.start()
    wait_for_step(run, 2)
    run.ask_to_stop()
    began = time.monotonic()

    def ended() -> bool:
        run.escalate_stop()
        return not run.is_alive()

    wait_for(ended)
    assert time.monotonic() - began > 0.9  # it was given its time
    run.escalate_stop()
    assert not run.stopping


def test_a_failed_start_says_why(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGNO_FAKE", json.dumps({"fail": "The disk is full."}))
    run.start()
    wait_for(lambda: not run.is_alive())
    run.log.read_all()
    assert run.state() is State.FAILED
    assert run.error() == "The disk is full."


def test_runs_are_found_and_told_in_a_few_words(run: Run, tmp_path: Path) -> None:
    (tmp_path / "runs" / "no-run").mkdir()
    run.start()
    wait_for_step(run, 3)
    (found,) = find_runs(tmp_path / "runs")
    assert found.summary().startswith("cells – training, step ")
    assert found.record.losses == []  # showing it reads everything
    assert find_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["saved x", "dgno-train: There is no folder a."], "There is no folder a."),
        (["saved x"], ""),
        (["dgno-train: interrupted; nothing was left half-written"], ""),
        ([], ""),
        (
            ["Traceback (most recent call last):", "ValueError: odd"],
            "The training stopped unexpectedly (ValueError: odd); e.txt has the details.",
        ),
        (
            ["Traceback (most recent call last):", "torch.OutOfMemoryError: CUDA out of memory."],
            "The memory ran out. Choose a smaller preset, or close other programs, and train "
            "again.",
        ),
    ],
)
def test_what_a_process_left_becomes_one_sentence(lines: list[str], sentence: str) -> None:
    assert explain(lines, Path("e.txt")) == sentence


def test_the_best_weights_are_kept_in_the_model_folder(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert copy_model(run, None) is None
    monkeypatch.setenv("DGNO_FAKE", json.dumps({"steps": 4, "delay": 0}))
    run.start()
    wait_for(lambda: not run.is_alive())
    kept = copy_model(run, None)
    assert kept == run.folder.parent / "models" / "cells.safetensors"
    before = kept.stat().st_mtime_ns
    assert copy_model(run, None) == kept == kept_model(run, None)
    assert kept.stat().st_mtime_ns == before
    mine = run.folder.parent / "mine"
    assert kept_model(run, mine) is None
    assert copy_model(run, mine) == mine / "cells.safetensors"
