"""Runs end in many ways; none may lose what was written."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from dgno_core.errors import DGNOError
from dgno_core.models import load_model, read_card
from dgno_core.training import TrainConfig, load_config, train_events
from dgno_core.training.events import (
    CheckpointSaved,
    StepDone,
    TrainFinished,
    TrainStarted,
    TrainStopped,
    Validated,
)
from dgno_core.training.runs.lock import LOCK, ProcessId, lock_holder, request_stop
from dgno_core.training.sources import TrainingData

COMMAND = [sys.executable, "-c", "from dgno_core.cli.train import main; main()"]


def steps(events: list) -> list[int]:
    return [event.step for event in events if isinstance(event, StepDone)]


def same_weights(one: Path, other: Path) -> bool:
    left, right = (load_model(path, "cpu").state_dict() for path in (one, other))
    return all(torch.equal(left[key], right[key]) for key in left)


def test_closing_the_generator_saves_the_step_in_hand(config_file: Path) -> None:
    config = load_config(config_file, ["checkpoint_every=100"])
    run = train_events(config)
    for event in run:
        if isinstance(event, StepDone) and event.step == 2:
            break
    run.close()
    assert lock_holder(config.out) is None
    rest = list(train_events(config, resume=True))
    assert steps(rest) == [3, 4, 5, 6]
    whole = load_config(config_file, ["out=" + str(config_file.parent / "whole")])
    list(train_events(whole))
    assert same_weights(config.out / "tiny.safetensors", whole.out / "tiny.safetensors")


def test_a_time_budget_stops_the_run_resumably(config_file: Path) -> None:
    config = load_config(config_file, ["engine.minutes=0.000001"])
    events = list(train_events(config))
    assert steps(events) == [1]
    assert isinstance(events[-2], CheckpointSaved)
    assert isinstance(events[-1], TrainStopped)
    assert "time budget" in events[-1].reason
    assert steps(list(train_events(load_config(config_file), resume=True))) == [2, 3, 4, 5, 6]


def test_anybody_can_ask_a_run_to_stop(config_file: Path) -> None:
    config = load_config(config_file)
    events = []
    for event in train_events(config):
        events.append(event)
        if isinstance(event, StepDone) and event.step == 2:
            assert lock_holder(config.out).pid == os.getpid()
            request_stop(config.out)
    assert steps(events) == [1, 2]
    assert events[-1] == TrainStopped(2, 6, "as asked", config.out / "tiny.safetensors")
    assert lock_holder(config.out) is None
    assert isinstance(list(train_events(config, resume=True))[-1], TrainFinished)


def test_closing_at_any_event_loses_and_repeats_nothing(config_file: Path) -> None:
    whole = load_config(config_file, ["out=" + str(config_file.parent / "whole")])
    events = list(train_events(whole))
    card = read_card(whole.out / "tiny.safetensors")
    for number, event in enumerate(events[:-1]):
        config = load_config(config_file, [f"out={config_file.parent / str(number)}"])
        run = train_events(config)
        for _ in range(number + 1):
            latest = next(run)
        run.close()
        assert type(latest) is type(event)
        resume = (config.out / "last.pt").exists()
        rest = list(train_events(config, resume=resume))
        checks = {e.step for e in rest if isinstance(e, Validated)}
        done = {e.step for e in events[: number + 1] if isinstance(e, Validated)}
        assert checks | done == {3, 6}, f"closed at {event}"
        assert not (checks & done and resume), f"closed at {event}"
        assert same_weights(config.out / "tiny.safetensors", whole.out / "tiny.safetensors")
        assert same_weights(config.out / "best.safetensors", whole.out / "best.safetensors")
        assert read_card(config.out / "tiny.safetensors") == card, f"closed at {event}"


def test_a_folder_in_use_is_left_alone(config_file: Path) -> None:
    config = load_config(config_file)
    run = train_events(config)
    next(run)
    parent = psutil.Process(os.getppid())
    claim = json.loads((config.out / LOCK).read_text())
    claim |= {"pid": parent.pid, "started": parent.create_time()}
    (config.out / LOCK).write_text(json.dumps(claim))
    with pytest.raises(DGNOError, match=f"Process {parent.pid}"):
        next(train_events(config))
    assert json.loads((config.out / LOCK).read_text()) == claim, "not released by another"
    (config.out / LOCK).write_text(json.dumps(claim | {"started": 1.0}))
    assert lock_holder(config.out) is None, "a number that another process had before"
    (config.out / LOCK).write_text(json.dumps(claim | {"host": "elsewhere"}))
    with pytest.raises(DGNOError, match=r"on elsewhere .* delete .*running\.json"):
        next(train_events(config))
    run.close()


def test_a_process_that_ended_owns_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    started = psutil.Process(process.pid).create_time()
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    ended = ProcessId(process.pid, started, socket.gethostname())
    assert not ended.is_alive, "nobody waited for it"
    process.wait()
    assert not ended.is_alive


def test_what_is_known_of_runs_loads_no_torch() -> None:
    modules = "launch, lock, manage, preview"  # these import all the others
    used = f"from dgno_core.training.runs import {modules}"
    script = f"import sys; {used}; print('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.stdout.strip() == "False", ended.stderr


def test_a_wish_to_stop_during_the_start_counts(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dgno_core.training import engine

    config = load_config(config_file)
    real = engine.open_data

    def slow(given: TrainConfig) -> TrainingData:
        request_stop(config.out)
        return real(given)

    monkeypatch.setattr(engine, "open_data", slow)
    assert steps(list(train_events(config))) == [1]


def test_a_wish_from_before_the_run_is_forgotten(config_file: Path) -> None:
    config = load_config(config_file, ["steps=2"])
    config.out.mkdir()
    request_stop(config.out)
    os.utime(config.out / "stop", (1, 1))
    assert steps(list(train_events(config))) == [1, 2]


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_a_loadable_checkpoint(config_file: Path) -> None:
    config = load_config(config_file)
    words = [str(config_file), "--set", "checkpoint_every=1", "--set", "steps=100000",
             "--events", "-"]  # fmt: skip
    reached = 0
    for attempt in range(3):
        extra = ["--resume"] if attempt else []
        process = subprocess.Popen(
            [*COMMAND, *words, *extra], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "TrainStarted":
                assert event["step"] >= reached
            seen += event["event"] == "CheckpointSaved"
            if seen == 3:
                # In the middle of whatever comes next: a step, or the writing of a checkpoint.
                time.sleep(0.017 * (attempt + 1))
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        content = torch.load(config.out / "last.pt", weights_only=True)
        assert content["step"] >= reached + 3 - (attempt > 0)
        reached = content["step"]
    lines = (config.out / "log.jsonl").read_text().splitlines()
    assert all(json.loads(line) for line in lines[:-1])
    final = load_config(config_file, [f"steps={reached + 2}"])
    events = list(train_events(final, resume=True))
    assert isinstance(events[0], TrainStarted)
    assert events[0].step == reached
    assert isinstance(events[-1], TrainFinished)
    assert not list(config.out.glob("*.part"))


def test_a_kill_while_the_checkpoint_is_written_keeps_the_one_before(
    config_file: Path, tmp_path: Path
) -> None:
    """The process dies inside `torch.save` of its second checkpoint, half of it on the disk."""
    script = (
        "import os, sys, torch\n"
        "save, calls = torch.save, []\n"
        "def dying(content, handle):\n"
        "    calls.append(1)\n"
        "    if len(calls) < 2: return save(content, handle)\n"
        "    handle.write(b'half of it'); handle.flush(); os.kill(os.getpid(), 9)\n"
        "torch.save = dying\n"
        "from dgno_core.cli.train import main; main()\n"
    )
    words = [str(config_file), "--set", "checkpoint_every=2"]
    ended = subprocess.run([sys.executable, "-c", script, *words], capture_output=True)
    assert ended.returncode == -signal.SIGKILL
    config = load_config(config_file, ["checkpoint_every=2"])
    events = list(train_events(config, resume=True))
    assert isinstance(events[0], TrainStarted)
    assert events[0].step == 2
    whole = load_config(config_file, ["out=" + str(tmp_path / "whole")])
    list(train_events(whole))
    assert same_weights(config.out / "tiny.safetensors", whole.out / "tiny.safetensors")
