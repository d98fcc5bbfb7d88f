"""A run: a folder, and at times a process that trains in it.

The process is detached: it goes on when the one that started it is closed, and everything that is
known of it is in the folder. So a run can be picked up by anybody, at any time.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import writing
from dgno_core.training.runs.files import BEST, CHECKPOINT, CONFIG, ERRORS, LAUNCH, LOG
from dgno_core.training.runs.lock import (
    ProcessId,
    clear_stop_request,
    lock_holder,
    request_stop,
)
from dgno_core.training.runs.record import LogFollower, RunRecord

#: Seconds that a process gets to stop by itself, and then to end when it is told to.
PATIENCE = 20.0
LAST_PATIENCE = 10.0
#: Bytes at the end of a log that tell the present state.
TAIL = 65_536
#: What runs in the process; the path of the config and perhaps ``--resume`` are added. ``-P`` keeps
#: the run's folder from being searched for modules.
COMMAND = (sys.executable, "-P", "-c", "from dgno_core.cli.train import main; main()")


class State(Enum):
    """How a run stands."""

    RUNNING = "training"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Run:
    """A run on disk.

    Parameters
    ----------
    folder : pathlib.Path
        Its folder, with ``config.yaml`` inside.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = LogFollower(folder)
        #: Files with which it began, if it was made here; see `discard_failed_run`.
        self.written: frozenset[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: float | None = None
        self._told: float | None = None
        self._starts_before = -1

    @property
    def name(self) -> str:
        """Name of the folder, which is that of the model."""
        return self.folder.name

    @property
    def record(self) -> RunRecord:
        """What the log has told so far."""
        return self.log.record

    @property
    def is_gone(self) -> bool:
        """Whether somebody has deleted the folder."""
        return not (self.folder / CONFIG).is_file()

    @property
    def stopping(self) -> bool:
        """Whether the process was asked to stop and has not ended yet."""
        return self._asked is not None

    @property
    def is_starting(self) -> bool:
        """Whether the process that was started here last has not begun to train yet."""
        return self.record.starts <= self._starts_before

    # The process --------------------------------------------------------------------------------

    def start(self, threads: int = 0) -> None:
        """Start the process; go on from the last checkpoint if there is one.

        Parameters
        ----------
        threads : int
            Processor threads; 0 lets the command choose.

        Raises
        ------
        DGNOError
            If the folder cannot be written, or the run goes on already.
        """
        if self.is_alive():
            raise DGNOError(f"{self.name} is training already.")
        clear_stop_request(self.folder)  # the last repetition may have come after the end
        command = [*COMMAND, str(self.folder / CONFIG)]
        if self.can_go_on():
            command.append("--resume")
        if threads:
            command += ["--threads", str(threads)]
        self._asked = self._told = None
        record = self.log.read_all()
        record.reason, self._starts_before = None, record.starts
        with writing(self.folder / ERRORS), (self.folder / ERRORS).open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=self.folder,
                **_detached(),
            )
            (self.folder / LAUNCH).write_text(
                ProcessId.of(self._process.pid).to_json(), encoding="utf-8"
            )

    def is_alive(self) -> bool:
        """Whether a process trains in the folder, here or (as far as one can tell) elsewhere.

        While it starts it has not taken the folder yet; then what was launched counts.
        """
        if self._process is not None:
            return self._process.poll() is None
        return lock_holder(self.folder) is not None or self._process_here() is not None

    def ask_to_stop(self) -> None:
        """Ask the process to stop after the step in hand; see `escalate_stop`."""
        self._asked = self._asked or time.monotonic()
        self.escalate_stop()

    def escalate_stop(self) -> None:
        """Repeat the request to stop; end a process that has not followed it in time.

        A process that is still starting removes the request when it takes the lock of the folder.
        """
        if self._asked is None:
            return
        if not self.is_alive():
            self._asked = self._told = None
            return
        waited = time.monotonic() - self._asked
        patience = max(PATIENCE, 3 * max(self.record.seconds, default=0.0))
        try:
            request_stop(self.folder)
        except OSError:
            patience = 0.0  # a folder that has become unwritable carries no request
        if self._told is not None and time.monotonic() - self._told > LAST_PATIENCE:
            self._signal("kill")
        elif self._told is None and waited > patience:
            self._told = time.monotonic()
            self._signal("terminate")

    def _signal(self, kind: str) -> None:
        import psutil

        pid = self._process.pid if self._process is not None else self._process_here()
        if pid is None:
            return
        try:
            getattr(psutil.Process(pid), kind)()
        except psutil.Error:
            return

    def _process_here(self) -> int | None:
        """Process on this computer that trains in the folder, or was launched to do so."""
        for found in (lock_holder(self.folder), ProcessId.read(self.folder / LAUNCH)):
            if found is not None and found.is_here and found.is_alive:
                return found.pid
        return None

    # How it stands ------------------------------------------------------------------------------

    def state(self) -> State:
        """How the run stands, as far as its log has been read."""
        if self.is_alive():
            return State.RUNNING
        record = self.record
        if record.finished:
            return State.FINISHED
        if self.error():
            return State.FAILED
        return State.INTERRUPTED if record.reason is None else State.STOPPED

    def error(self) -> str:
        """Say in one sentence why the process has ended; empty if it left no word."""
        try:
            lines = (self.folder / ERRORS).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return explain(lines.splitlines(), self.folder / ERRORS)

    def refusal(self) -> str:
        """Say what the process would not do; empty if it has met with something unexpected."""
        try:
            said = (self.folder / ERRORS).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "" if "Traceback" in said else self.error()

    def can_resume(self) -> bool:
        """Whether there is something left to train and nobody does it."""
        return not self.record.finished and not self.is_gone and not self.is_alive()

    def can_go_on(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return (self.folder / CHECKPOINT).is_file()

    def weights(self) -> Path | None:
        """The best weights of the run so far, or the last ones; None if there are none yet."""
        for name in (BEST, f"{self.name}.safetensors"):
            if (self.folder / name).is_file():
                return self.folder / name
        return None

    def has_only_unvalidated(self) -> bool:
        """Whether there are weights, but none that were tried on images to validate with."""
        weights = self.weights()
        return weights is not None and weights.name != BEST

    def summary(self) -> str:
        """Say in a few words how the run stands; reads only the end of the log."""
        if not self.record.starts:
            self.log = LogFollower(self.folder, last=TAIL)
            self.log.read_all()
        title = self.title()
        self.log = LogFollower(self.folder)
        return title

    def title(self) -> str:
        """Say in a few words how the run stands, as far as its log has been read."""
        state, record = self.state(), self.record
        parts = [f"{self.name} – {state.value}"]
        if record.total and state is not State.FINISHED:
            parts.append(f"step {record.step} of {record.total}")
        if self.has_only_unvalidated():
            parts.append("not validated")
        return ", ".join(parts)


def find_runs(folder: Path) -> list[Run]:
    """Runs in a folder, the latest first; none if it cannot be read."""
    try:
        found = [place for place in folder.iterdir() if (place / CONFIG).is_file()]
        found.sort(key=_changed, reverse=True)
    except OSError:
        return []
    return [Run(place) for place in found]


def explain(lines: Sequence[str], path: Path) -> str:
    """Make one sentence of what a process wrote before it ended.

    Parameters
    ----------
    lines : sequence of str
        Its error output.
    path : pathlib.Path
        Where that can be read.
    """
    said = [line.strip() for line in lines if line.strip()]
    if not said:
        return ""
    last = said[-1]
    if any(line.startswith("Traceback") for line in said):
        if "memory" in last.lower():
            return (
                "The memory ran out. Choose a smaller preset, or close other programs, and train "
                "again."
            )
        return f"The training stopped unexpectedly ({last}); {path} has the details."
    program, colon, sentence = last.partition(": ")
    if colon and program == "dgno-train" and not sentence.startswith("interrupted"):
        return sentence
    return ""


def _changed(folder: Path) -> float:
    log = folder / LOG
    return (log if log.exists() else folder).stat().st_mtime


def _detached() -> dict[str, Any]:
    """Keywords that let a process outlive this one and its terminal."""
    if sys.platform == "win32":
        # No window of its own, and no Ctrl-C from ours.
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        return {"creationflags": flags}
    return {"start_new_session": True}
