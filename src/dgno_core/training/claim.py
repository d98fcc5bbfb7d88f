"""One process at a time trains in a folder, and others can see it and ask it to stop.

``running.json`` names the process; ``stop`` asks it to stop after the step in hand. Files work
where signals do not: on Windows, and from a napari that did not start the run.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from dgno_core.errors import DGNOError

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
            return abs(psutil.Process(self.pid).create_time() - self.started) < 1
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
    """Take a folder for this process, and forget earlier wishes to stop.

    Raises
    ------
    DGNOError
        If another process trains there.
    """
    other = owner(folder)
    if other is not None and other.pid != os.getpid():
        raise DGNOError(
            f"Process {other.pid} on {other.host} is training in {folder}; stop it first, or "
            "choose another folder."
        )
    (folder / STOP).unlink(missing_ok=True)
    me = psutil.Process()
    content = {"pid": me.pid, "started": me.create_time(), "host": socket.gethostname()}
    (folder / CLAIM).write_text(json.dumps(content), encoding="utf-8")


def release(folder: Path) -> None:
    """Give a folder back."""
    (folder / CLAIM).unlink(missing_ok=True)
    (folder / STOP).unlink(missing_ok=True)


def ask_to_stop(folder: Path) -> None:
    """Ask the process that trains in a folder to stop after the step in hand, resumably."""
    (folder / STOP).touch()


def is_asked_to_stop(folder: Path) -> bool:
    """Whether somebody has asked."""
    return (folder / STOP).exists()
