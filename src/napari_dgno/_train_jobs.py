"""What the Train panel does in worker threads; knows no Qt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_dgno._settings import read_preferences
from napari_dgno._train_run import Run, find_runs
from napari_dgno._train_setup import Request, prepare
from napari_dgno._train_withdraw import files_in

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


def finding_runs(folder: Path) -> Iterator[Any]:
    """Look for runs."""
    yield RunsFound(tuple((run, run.summary()) for run in find_runs(folder)[:MOST_RUNS]))


def launching(request: Request) -> Iterator[Any]:
    """Write what a run needs and start its process.

    Parameters
    ----------
    request : Request
        What was chosen.

    Yields
    ------
    Written, Launched

    Raises
    ------
    DGNOError
        If something does not fit or cannot be written; then no folder is left behind.
    """
    yield from prepare(request)
    run = Run(request.folder)
    run.written = files_in(request.folder)
    run.start(read_preferences().threads)
    yield Launched(run)


def resuming(run: Run) -> Iterator[Any]:
    """Start the process of a run again."""
    run.start(read_preferences().threads)
    yield Launched(run)
