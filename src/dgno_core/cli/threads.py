"""The option `--threads`; it takes effect while the command line is read, before PyTorch loads."""

from __future__ import annotations

import os
from typing import Annotated, TypeAlias

import typer

from dgno_core.threads import (
    allowed_cores,
    choose_training_threads,
    given_threads,
    use_threads,
)

MOST = 256  # OpenMP ends a process that cannot have as many as it asked for


def take_threads(requested: int) -> int:
    """Compute with so many threads; 0: with as many as there are free cores."""
    return use_threads(requested)


def take_training_threads(requested: int) -> int:
    """Compute with so many threads; 0: with as many as there are cores.

    Returns
    -------
    int
        What was asked for, here or by ``OMP_NUM_THREADS``; 0 if nothing was.
    """
    asked = requested or given_threads()
    use_threads(choose_training_threads(requested))
    return asked


def share_cores(processes: int) -> None:
    """Let each of several processes of a training compute with its share of the cores.

    It stands in the environment too, which the other processes take over.
    """
    count = max(1, allowed_cores() // processes)
    os.environ["OMP_NUM_THREADS"] = str(count)
    use_threads(count)


Threads: TypeAlias = Annotated[
    int,
    typer.Option(
        min=0,
        max=MOST,
        callback=take_threads,
        help="Processor threads; 0 takes OMP_NUM_THREADS, or the cores that are free right now.",
    ),
]
TrainingThreads: TypeAlias = Annotated[
    int,
    typer.Option(
        min=0,
        max=MOST,
        callback=take_training_threads,
        help="Processor threads; 0 takes OMP_NUM_THREADS; else the processes share all the cores.",
    ),
]
