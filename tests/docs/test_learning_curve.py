from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from dgno_core.training.events import StepDone, TrainEvent, TrainStarted, Validated

SCRIPT = Path(__file__).parents[2] / "docs" / "scripts" / "learning_curve.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("learning_curve", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def step(number: int, seconds: float) -> StepDone:
    return StepDone(number, 9, 0.5, 1e-3, seconds, 0.0)


def validated(number: int, psnr: float, blurred: float = 30.0) -> Validated:
    return Validated(number, blurred, psnr, 0.5, is_best=True)


def write(folder: Path, events: Sequence[TrainEvent], tail: str = "") -> Path:
    folder.mkdir()
    started = TrainStarted(0, 9, 1, 3, 1, "cpu", folder)
    lines = [event.to_json() + "\n" for event in (started, *events)]
    (folder / "log.jsonl").write_text("".join(lines) + tail)
    return folder


def test_each_step_counts_once_also_after_a_resume(script: ModuleType, tmp_path: Path) -> None:
    events: list[TrainEvent] = [step(1, 1800), validated(1, 31), step(2, 900), step(3, 9999)]
    events += [step(3, 900), validated(3, 32)]  # the run was resumed before step 3
    run = write(tmp_path / "a", events, tail='{"event": "Step')  # and is being written to
    points = script.read_run(run, cores=2)
    assert [(p.step, p.hours, p.gain) for p in points] == [(1, 1.0, 1.0), (3, 2.0, 2.0)]
    assert script.last_doubling(points) == pytest.approx(1.0)


def test_a_run_that_began_from_another_has_its_compute_too(
    script: ModuleType, tmp_path: Path
) -> None:
    first = write(tmp_path / "a", [step(1, 3600), validated(1, 31)])
    second = write(tmp_path / "b", [step(1, 3600), validated(1, 33)])
    points = script.read_chain([first, second / "log.jsonl"])
    assert [(p.step, p.hours) for p in points] == [(1, 1.0), (2, 2.0)]


def test_gains_on_other_held_out_images_are_not_compared(
    script: ModuleType, tmp_path: Path
) -> None:
    events = [step(1, 3600), validated(1, 31, 28.0), step(2, 3600), validated(2, 31, 30.0)]
    points = script.read_run(write(tmp_path / "a", events))
    assert [len(piece) for piece in script.pieces(points)] == [1, 1]
    assert script.last_doubling(points) is None


def test_draws_and_tells(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = write(tmp_path / "cell", [step(n, 1800) for n in (1, 2)] + [validated(2, 34.5)])
    out = tmp_path / "curve.png"
    monkeypatch.setattr(sys, "argv", ["x", str(out), str(run), f"mine={run}", "--cores", "2"])
    script.main()
    assert out.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "| cell | 2 | 2.0 | 30.00 | 34.50 | - |" in printed
    assert "| mine | 2 |" in printed
