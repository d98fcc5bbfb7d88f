"""One process at a time trains in a folder, and others can see it and ask it to stop.

``running.json`` names the process; ``stop`` asks it to stop after the step in hand. Files work
where signals do not: on Windows, and from a program that did not start the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import writing
from dgno_core.training.runs.files import LOCK, STOP


@dataclass(frozen=True)
class ProcessId:
    """A process, told apart from later ones that the system gives the same number.

    Parameters
    ----------
    pid : int
        Its number.
    started : float
        When it began, in seconds since 1970.
    host : str
        Name of its computer.
    """

    pid: int
    started: float
    host: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """Describe a process of this computer; one that has just ended began now, as it were."""
        try:
            started = psutil.Process(pid).create_time()
        except psutil.Error:
            started = time.time()
        return cls(pid, started, socket.gethostname())

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read what `to_json` has given from a file; None if there is nothing of the kind."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def to_json(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self))

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this computer."""
        return self.host == socket.gethostname()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; a process of another computer is taken at its word."""
        if not self.is_here:
            return True
        try:
            process = psutil.Process(self.pid)
            is_zombie = process.status() == psutil.STATUS_ZOMBIE  # ended, but not yet waited for
            return not is_zombie and abs(process.create_time() - self.started) < 1
        except psutil.Error:
            return False


def lock_holder(folder: Path) -> ProcessId | None:
    """Process that trains in a folder now; None if there is none.

    Parameters
    ----------
    folder : Path
        A run's folder.

    Returns
    -------
    ProcessId or None
    """
    found = ProcessId.read(folder / LOCK)
    return found if found is not None and found.is_alive else None


def acquire_lock(folder: Path) -> None:
    """Take a folder for this process, and forget requests to stop from before it began.

    Raises
    ------
    DGNOError
        If another process trains there.
    """
    me = ProcessId.of(os.getpid())
    stop = folder / STOP
    if stop.exists() and stop.stat().st_mtime < me.started:
        stop.unlink(missing_ok=True)
    for _ in range(2):
        try:
            with (folder / LOCK).open("x", encoding="utf-8") as file:
                file.write(me.to_json())
        except FileExistsError:
            other = lock_holder(folder)
            if other is not None and other.pid != me.pid:
                raise DGNOError(
                    f"Process {other.pid} on {other.host} is training in {folder}; stop it first, "
                    f"or choose another folder. If it no longer runs, delete {folder / LOCK}."
                ) from None
            (folder / LOCK).unlink(missing_ok=True)  # left by a process that was killed
        else:
            return
    raise DGNOError(f"Another process has just begun to train in {folder}; choose another folder.")


def release_lock(folder: Path) -> None:
    """Give a folder back, if it is this process's."""
    other = lock_holder(folder)
    if other is None or other.pid == os.getpid():
        for name in (LOCK, STOP):
            # The folder may never have come to be.
            with contextlib.suppress(OSError):
                (folder / name).unlink()


@contextlib.contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Make a folder and hold its lock meanwhile; an empty one goes again.

    Raises
    ------
    DGNOError
        If another process trains there, or the folder cannot be made.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        acquire_lock(folder)
    try:
        yield
    finally:
        release_lock(folder)
        with contextlib.suppress(OSError):
            folder.rmdir()


def request_stop(folder: Path) -> None:
    """Ask the process that trains in a folder to stop after the step in hand, resumably."""
    (folder / STOP).touch()


def is_stop_requested(folder: Path) -> bool:
    """Whether somebody has asked."""
    return (folder / STOP).exists()


def clear_stop_request(folder: Path) -> None:
    """Remove a request to stop that no process has acted on, before a run begins or goes on.

    `acquire_lock` cannot tell it by its time alone: the start of a process is known to a second.
    """
    if lock_holder(folder) is None:
        with contextlib.suppress(OSError):
            (folder / STOP).unlink()
