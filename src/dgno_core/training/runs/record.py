"""What a run has told so far, read from its ``log.jsonl``.

The file is followed while it grows. So a run that was started here, and one that was started
yesterday by another program, are shown by the same code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dgno_core.training.events import (
    BatchSkipped,
    PictureSaved,
    StepDone,
    TrainEvent,
    TrainFinished,
    TrainStarted,
    TrainStopped,
    Validated,
)
from dgno_core.training.runs.files import LOG

#: Bytes read at once, so that a long log does not hold up the window.
PIECE = 1_000_000
#: Steps whose mean time forecasts the rest.
RECENT = 50


@dataclass
class RunRecord:
    """The state of a run after some of its events; `add` takes the next one."""

    step: int = 0
    total: int = 0
    device: str = ""
    images: int = 0
    held_out: int = 0
    losses: list[tuple[int, float]] = field(default_factory=list)
    scores: list[tuple[int, float, float]] = field(default_factory=list)
    pictures: dict[int, tuple[int, Path]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    best: tuple[int, float] | None = None
    weights: Path | None = None
    reason: str | None = None
    finished: bool = False
    starts: int = 0

    def add(self, event: TrainEvent) -> None:
        """Take the next event; one that says nothing of the state changes nothing."""
        match event:
            case TrainStarted():
                self._start(event)
            case StepDone():
                self.step, self.total = event.step, event.total
                self.losses.append((event.step, event.loss))
                self.seconds = [*self.seconds[1 - RECENT :], event.seconds]
            case BatchSkipped(message=message):
                if message not in self.notes:
                    self.notes.append(message)
            case Validated():
                self.scores.append((event.step, event.blurred, event.psnr))
                if event.is_best:
                    self.best = (event.step, event.psnr)
            case PictureSaved(step, path):
                self.pictures[_number(path)] = (step, path)
            case TrainStopped():
                self.reason = event.reason
            case TrainFinished():
                self.finished = True
                self.weights = event.path

    def _start(self, event: TrainStarted) -> None:
        """Begin, or go on from a checkpoint: what came after it is done again."""
        self.starts += 1
        self.step, self.total = event.step, event.total
        self.device, self.images = event.device, event.images
        self.held_out = event.held_out
        self.about = list(event.notes)
        self.losses = [point for point in self.losses if point[0] <= self.step]
        self.scores = [point for point in self.scores if point[0] <= self.step]
        self.seconds, self.reason, self.finished = [], None, False

    def seconds_left(self) -> float | None:
        """Forecast from the latest steps, without validations; None before the second step."""
        if len(self.seconds) < 2:
            return None
        # The first step pays for warming up.
        steady = self.seconds[1:] if len(self.seconds) < RECENT else self.seconds
        return sum(steady) / len(steady) * (self.total - self.step)


class LogFollower:
    """Reads what was added to a run's log since the last time.

    Parameters
    ----------
    folder : pathlib.Path
        The run's folder.
    last : int, optional
        Begin so many bytes before the end, where the present state is enough.
    """

    def __init__(self, folder: Path, last: int | None = None) -> None:
        self.record = RunRecord()
        self._path = folder / LOG
        self._offset = 0 if last is None else max(0, _size(self._path) - last)
        self._rest = b""

    def read(self) -> bool:
        """Take up to a megabyte of new lines into the record; say whether there was anything.

        Half-written and damaged lines change nothing.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                piece = file.read(PIECE)
        except OSError:
            return False
        self._offset += len(piece)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            event = TrainEvent.from_json(line)
            if event is not None:
                self.record.add(event)
        return bool(lines)

    def read_all(self) -> RunRecord:
        """Read to the end of the log."""
        while self.read():
            pass
        return self.record


def read_events(path: Path) -> Iterator[TrainEvent]:
    """Read a whole log; half-written and damaged lines are left out.

    Parameters
    ----------
    path : pathlib.Path
        A ``log.jsonl``.

    Yields
    ------
    TrainEvent
        In the order of the log: after a resume, the steps since the last checkpoint come again.
    """
    with path.open("rb") as lines:
        for line in lines:
            event = TrainEvent.from_json(line)
            if event is not None:
                yield event


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _number(path: Path) -> int:
    """Number of a validation picture, ``2-step-000100.png``."""
    first = path.name.partition("-")[0]
    return int(first) if first.isdigit() else 0
