"""Running a command as a user does, in a process of its own, and what that takes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# A fault may ask for any amount; the machine should survive it.
ADDRESS_SPACE = 4 << 30
LONGEST = 150.0  # seconds


@dataclass(frozen=True)
class Ended:
    """How a command ended; CPU seconds and the largest resident memory in MB."""

    status: int
    out: str
    err: str
    cpu_seconds: float
    peak_mb: float


def program(name: str) -> str:
    """Path of `dgno` or `dgno-train`, as installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def run(words: Sequence[str], folder: Path, *, prepare: Callable[[], None] | None = None) -> Ended:
    """Run a command in a folder.

    Parameters
    ----------
    words
        `dgno` or `dgno-train`, and what follows.
    folder
        Where it runs.
    prepare
        Called in the new process before the command begins.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(words, folder, stdout=out, stderr=err, prepare=prepare)
        until = time.monotonic() + LONGEST
        while True:
            pid, state, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > until:
                kill_all(process)
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(state)  # so that Popen waits no more
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    cpu = usage.ru_utime + usage.ru_stime
    return Ended(process.returncode, *texts, cpu, usage.ru_maxrss / 1024)


def start(
    words: Sequence[str],
    folder: Path,
    *,
    stdout: object = subprocess.DEVNULL,
    stderr: object = subprocess.DEVNULL,
    prepare: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        if prepare is not None:
            prepare()

    command = [program(words[0]), *words[1:]]
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,  # type: ignore[call-overload]
        start_new_session=True, preexec_fn=limited,
    )  # fmt: skip


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children as a power cut would."""
    kill_all(process)
    process.wait()


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def contents(folder: Path) -> dict[str, str]:
    """Everything in a folder, hidden files too: names, and hashes of the files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        is_file = path.is_file() and not path.is_symlink()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else ""
        found[path.relative_to(folder).as_posix()] = digest
    return found
