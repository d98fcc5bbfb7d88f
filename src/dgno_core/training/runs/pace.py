"""How long a step takes on this computer: some are taken, in a process of their own.

So a window stays quick, no memory of the graphics card is kept, and a measurement that nobody wants
any more ends at once.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.events import Event, Refused
from dgno_core.threads import choose_training_threads, environment_with
from dgno_core.training.runs.presets import Pace
from dgno_core.training.runs.request import Request, timed_settings

#: What runs in the process. It reads settings from its input and writes each pace as a line.
COMMAND = (sys.executable, "-P", "-c", "from dgno_core.training.runs.pace import main; main()")


@dataclass(frozen=True)
class Timed:
    """How long a step takes, as far as that is known; the next one is better.

    Parameters
    ----------
    pace : Pace
        The times.
    crop, batch : int
        Side of the crops in pixels, and crops a step, as they come out for these images.
    """

    pace: Pace
    crop: int
    batch: int


@dataclass(frozen=True)
class Measured:
    """How long a step takes, measured as well as it will be."""

    timed: Timed


class Measurement:
    """Times the steps of one run, once.

    Parameters
    ----------
    request : Request
        The run.
    known : dict
        What was measured before, by the settings that count; gets what is found.
    """

    def __init__(self, request: Request, known: dict[str, Timed]) -> None:
        self._request, self._known = request, known
        self._process: subprocess.Popen[str] | None = None
        self._cancelled = False

    def events(self) -> Iterator[Timed | Measured]:
        """Measure, if that was not done before; ends with `Measured`, unless it is cancelled.

        Raises
        ------
        DGNOError
            If the run is not possible, or the measurement was cut off.
        """
        settings = timed_settings(self._request, self._request.choice.kind())
        key = json.dumps(settings, sort_keys=True)
        if key not in self._known:
            for pace in self._paces(key):
                found = Timed(pace, settings["crop"], settings["batch"])
                yield found
            if self._cancelled:
                return
            self._known[key] = found
        yield Measured(self._known[key])

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """End it at once; from any thread."""
        self._cancelled = True
        if self._process is not None:
            self._process.kill()

    def _paces(self, settings: str) -> Iterator[Pace]:
        self._process = process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=environment_with(choose_training_threads(self._request.threads)),
            **_hidden(),
        )
        if self._cancelled:
            process.kill()
        told = False
        try:
            for line in _answers(process, settings):
                match Event.from_json(line):
                    case Refused(message):
                        raise DGNOError(message)
                    case Pace() as pace:
                        told = True
                        yield pace
            if self._cancelled:
                return
            if process.wait() or not told:
                raise DGNOError("How long a step takes could not be measured.")
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _answers(process: subprocess.Popen[str], settings: str) -> Iterator[str]:
    """Hand settings to a process and yield the lines that it writes."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended; its return code tells
        process.stdin.write(settings)
        process.stdin.close()
    yield from process.stdout


def _hidden() -> dict[str, Any]:
    """Keywords that keep a process from opening a window of its own on Windows."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {}


def main() -> None:
    """Time the run whose settings come in, as JSON."""
    from dgno_core.threads import wait_asleep

    wait_asleep()  # as a training does, before PyTorch is loaded
    from dgno_core.training.config import TrainConfig
    from dgno_core.training.estimate import estimate_events

    try:
        config = TrainConfig.model_validate(json.load(sys.stdin))
        for cost in estimate_events(config):
            print(Pace(cost.step_seconds, cost.validation_seconds).to_json(), flush=True)
    except DGNOError as error:
        print(Refused(str(error)).to_json(), flush=True)
