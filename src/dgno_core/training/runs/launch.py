"""Finding, starting and resuming runs, as generators of events that a worker can follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dgno_core.training.runs.files import files_in
from dgno_core.training.runs.pace import Measured, Measurement, Timed
from dgno_core.training.runs.request import Request, prepare
from dgno_core.training.runs.run import Run, find_runs

#: No more runs than this are offered.
MOST_RUNS = 50


@dataclass(frozen=True)
class RunsFound:
    """The runs of a folder, the latest first, each with a few words on how it stands."""

    runs: tuple[tuple[Run, str], ...]


@dataclass(frozen=True)
class Launched:
    """The process of a run has been started."""

    run: Run


def finding_runs(folder: Path) -> Iterator[RunsFound]:
    """Look for runs."""
    yield RunsFound(tuple((run, run.summary()) for run in find_runs(folder)[:MOST_RUNS]))


@dataclass(frozen=True)
class Paced:
    """It is known how long a step takes; what the run needs is written now."""


class Launching:
    """Writes what a run needs and starts its process, after timing a step where that is needed.

    Parameters
    ----------
    request : Request
        What was chosen.
    known : dict
        What was timed before; see `Measurement`.
    """

    def __init__(self, request: Request, known: dict[str, Timed]) -> None:
        self._request = request
        self._measurement = Measurement(request, known)

    def events(self) -> Iterator[Any]:
        """Launch it.

        Yields
        ------
        Timed, Measured, Paced, Written, Noted, Launched

        Raises
        ------
        DGNOError
            If something does not fit or cannot be written; then no folder is left behind.
        """
        request = self._request
        if request.needs_pace:
            for event in self._measurement.events():
                yield event
                request = replace(request, pace=_timed(event).pace)
            if self._measurement.is_cancelled:
                return
        yield Paced()
        yield from prepare(request)
        run = Run(request.folder)
        run.written = files_in(request.folder)
        run.start(request.threads)
        yield Launched(run)

    def cancel(self) -> None:
        """Do not wait for the end of a measurement; from any thread."""
        self._measurement.cancel()


def _timed(event: Timed | Measured) -> Timed:
    return event.timed if isinstance(event, Measured) else event


def resuming(run: Run, threads: int = 0) -> Iterator[Launched]:
    """Start the process of a run again."""
    run.start(threads)
    yield Launched(run)
