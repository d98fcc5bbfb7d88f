"""The log of a run is read while it grows, and so are logs that earlier versions have written."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dgno_core.events import Event, Refused
from dgno_core.interpretation.events import AnalysisProgressed
from dgno_core.training.events import (
    BatchSkipped,
    CheckpointSaved,
    PictureSaved,
    StepDone,
    TrainEvent,
    TrainFinished,
    TrainStarted,
    TrainStopped,
    Validated,
)
from dgno_core.training.runs.presets import Pace
from dgno_core.training.runs.record import LogFollower


def step(number: int, loss: float = 1.0) -> str:
    return StepDone(number, 9, loss, lr=1.0, seconds=2.0, waited=0.0).to_json() + "\n"


def start(number: int) -> str:
    return TrainStarted(number, 9, 1, 3, 1, "cpu", Path("run")).to_json() + "\n"


def test_a_log_is_read_while_it_grows_even_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    follower = LogFollower(tmp_path)
    assert not follower.read()
    path.write_text(start(0) + step(1) + step(2)[:20])
    follower.read()
    assert follower.record.step == 1
    with path.open("a") as log:
        log.write(step(2)[20:])
    follower.read()
    assert follower.record.losses == [(1, 1.0), (2, 1.0)]
    assert follower.record.seconds_left() == pytest.approx(7 * 2.0)


def test_damaged_and_unknown_lines_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'\xff\xfe\n{"event": "StepDone"}\n[1]\n7\n' + b'{"event": "New"}\n')
    with path.open("a") as log:
        log.write(start(0) + step(1))
    assert LogFollower(tmp_path).read_all().step == 1


def test_what_was_lost_with_a_killed_process_is_not_drawn_twice(tmp_path: Path) -> None:
    lines = [start(0), *(step(n) for n in range(1, 6)), start(3)]
    lines += [step(4, 0.5)]
    (tmp_path / "log.jsonl").write_text("".join(lines))
    record = LogFollower(tmp_path).read_all()
    assert record.losses == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 0.5)]


#: As the first version of the log has it, a line of each kind.
EARLIER = """\
{"event": "TrainStarted", "step": 0, "total": 8, "parameters": 1, "images": 7, "held_out": 2, \
"device": "cpu", "out": "/runs/cells", "notes": ["plane 2 is in best focus."]}
{"event": "StepDone", "step": 1, "total": 8, "loss": 0.5, "lr": 0.001, "seconds": 0.25, \
"waited": 0.0}
{"event": "BatchReplaced", "step": 2, "message": "cell_2.png is damaged."}
{"event": "StepDone", "step": 2, "total": 8, "loss": 0.4, "lr": 0.001, "seconds": 0.25, \
"waited": 0.0}
{"event": "Validated", "step": 2, "blurred": 20.0, "psnr": 21.5, "ssim": 0.5, "is_best": true}
{"event": "PictureSaved", "step": 2, "path": "/runs/cells/pictures/1-step-000002.png"}
{"event": "CheckpointSaved", "step": 2, "path": "/runs/cells/last.pt"}
{"event": "Validated", "step": 4, "blurred": 20.0, "psnr": null, "ssim": 1.0, "is_best": false}
{"event": "TrainStopped", "step": 4, "total": 8, "reason": "as asked", \
"path": "/runs/cells/cells.safetensors"}
{"event": "TrainFinished", "step": 8, "path": "/runs/cells/cells.safetensors", "best": null}
"""


def test_a_log_of_the_first_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(EARLIER)
    record = LogFollower(tmp_path).read_all()
    assert (record.step, record.total, record.images, record.held_out) == (2, 8, 7, 2)
    assert (record.device, record.about) == ("cpu", ["plane 2 is in best focus."])
    assert record.losses == [(1, 0.5), (2, 0.4)]
    assert record.notes == ["cell_2.png is damaged."]
    assert record.scores[0] == (2, 20.0, 21.5)
    assert math.isnan(record.scores[1][2])  # JSON has no infinity
    assert record.best == (2, 21.5)
    assert record.pictures == {1: (2, Path("/runs/cells/pictures/1-step-000002.png"))}
    assert record.reason == "as asked"
    assert (record.finished, record.weights) == (True, Path("/runs/cells/cells.safetensors"))


@pytest.mark.parametrize(
    "event",
    [
        TrainStarted(3, 9, 1, 7, 2, "cpu", Path("run"), ("one plane is sharp.", "two are not.")),
        StepDone(1, 9, 0.5, 1e-3, 0.25, 0.0),
        BatchSkipped(4, "cell_2.png is damaged."),
        Validated(3, 20.0, 30.0, 0.9, is_best=True),
        PictureSaved(3, Path("pictures") / "1-step-000003.png"),
        CheckpointSaved(3, Path("last.pt")),
        TrainStopped(3, 9, "as asked", Path("a.safetensors")),
        TrainFinished(9, Path("a.safetensors"), None),
        AnalysisProgressed(1, 2),
        Pace(0.5, 2.0),
        Refused("There is no such model."),
    ],
    ids=lambda event: type(event).__name__,
)
def test_every_event_is_the_same_after_it_was_told(event: Event) -> None:
    assert Event.from_json(event.to_json()) == event
    assert type(event).from_dict(event.to_dict() | {"new": 1}) == event


@pytest.mark.parametrize(
    "line", ["", "[1]", "7", "{", '{"event": "New"}', '{"event": "StepDone"}', "a library says so"]
)
def test_what_is_no_event_is_none(line: str) -> None:
    assert Event.from_json(line) is None


def test_events_of_another_family_are_none() -> None:
    assert TrainEvent.from_json(Refused("no").to_json()) is None
