"""The processes of a run compute with as many threads as they are told."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dgno_core import threads
from dgno_core.training.runs import pace
from dgno_core.training.runs import run as run_module
from dgno_core.training.runs.files import CONFIG
from dgno_core.training.runs.launch import resuming
from dgno_core.training.runs.presets import Pace
from dgno_core.training.runs.run import Run


@pytest.mark.parametrize(("wanted", "taken"), [(0, 7), (2, 2)])
def test_a_step_is_timed_with_as_many_threads_as_a_training_takes(
    wanted: int, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "allowed_cores", lambda: 7)
    monkeypatch.setattr(threads, "free_cores", lambda: 3)
    code = (
        "import os; from dgno_core.training.runs.presets import Pace; "
        "print(Pace(float(os.environ['OMP_NUM_THREADS']), 0).to_json())"
    )
    monkeypatch.setattr(pace, "COMMAND", (sys.executable, "-c", code))
    request: Any = SimpleNamespace(threads=wanted)
    assert list(pace.Measurement(request, {})._paces("")) == [Pace(taken, 0)]


def test_a_training_is_started_with_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[list[str]] = []

    class Process:
        pid = os.getpid()

        def __init__(self, command: list[str], **_: Any) -> None:
            started.append(command)

    monkeypatch.setattr(run_module.subprocess, "Popen", Process)
    (tmp_path / CONFIG).write_text("{}")
    list(resuming(Run(tmp_path), 2))
    assert started[0][-2:] == ["--threads", "2"]
