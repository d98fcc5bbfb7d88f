"""One process at a time trains in a folder, and others can see it and ask it to stop.

``running.json`` names the process; ``stop`` asks it to stop after the step in hand. Files work
where signals do not: on Windows, and from a napari that did not start the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import writing

CLAIM = "running.json"
STOP = "stop"


@dataclass(frozen=True)
class Owner:
    """The process that trains in a folder."""

    pid: int
    started: float
    host: str

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; a process of another computer is taken at its word."""
        if self.host != socket.gethostname():
            return True
        try:
            process = psutil.Process(self.pid)
            is_zombie = process.status() == psutil.STATUS_ZOMBIE  # ended, but not yet waited for
            return not is_zombie and abs(process.create_time() - self.started) < 1
        except psutil.Error:
            return False


def owner(folder: Path) -> Owner | None:
    """Process that trains in a folder now; None if there is none.

    Parameters
    ----------
    folder : Path
        A run's folder.

    Returns
    -------
    Owner or None
    """
    try:
        found = Owner(**json.loads((folder / CLAIM).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.is_alive else None


def claim(folder: Path) -> None:
    """Take a folder for this process, and forget wishes to stop from before it began.

    Raises
    ------
    DGNOError
        If another process trains there.
    """
    me = psutil.Process()
    stop = folder / STOP
    if stop.exists() and stop.stat().st_mtime < me.create_time():
        stop.unlink(missing_ok=True)
    content = {"pid": me.pid, "started": me.create_time(), "host": socket.gethostname()}
    for _ in range(2):
        try:
            with (folder / CLAIM).open("x", encoding="utf-8") as file:
                file.write(json.dumps(content))
        except FileExistsError:
            other = owner(folder)
            if other is not None and other.pid != os.getpid():
                raise DGNOError(
                    f"Process {other.pid} on {other.host} is training in {folder}; stop it first, "
                    f"or choose another folder. If it no longer runs, delete {folder / CLAIM}."
                ) from None
            (folder / CLAIM).unlink(missing_ok=True)  # left by a process that was killed
        else:
            return
    raise DGNOError(f"Another process has just begun to train in {folder}; choose another folder.")


def release(folder: Path) -> None:
    """Give a folder back, if it is this process's."""
    other = owner(folder)
    if other is None or other.pid == os.getpid():
        for name in (CLAIM, STOP):
            # The folder may never have come to be.
            with contextlib.suppress(OSError):
                (folder / name).unlink()


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make and claim a folder, and give it back; an empty one goes again.

    Raises
    ------
    DGNOError
        If another process trains there, or the folder cannot be made.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        claim(folder)
    try:
        yield
    finally:
        release(folder)
        with contextlib.suppress(OSError):
            folder.rmdir()


def forget_wishes(folder: Path) -> None:
    """Forget wishes to stop that nobody followed, before a run begins or goes on.

    `claim` cannot tell them by their time alone: the start of a process is known to a second.
    """
    if owner(folder) is None:
        with contextlib.suppress(OSError):
            (folder / STOP).unlink()


def ask_to_stop(folder: Path) -> None:
    """Ask the process that trains in a folder to stop after the step in hand, resumably."""
    (folder / STOP).touch()


def is_asked_to_stop(folder: Path) -> bool:
    """Whether somebody has asked."""
    return (folder / STOP).exists()
