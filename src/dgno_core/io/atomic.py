"""Files that appear complete or not at all.

Everything is written beside its target under a hidden name and renamed when it is complete, so
that neither an error nor a killed process leaves something that looks like a result. The hidden
name tells who writes it: what a killed process has left is cleared up by the next one.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psutil

from dgno_core.errors import DGNOError
from dgno_core.wording import writing_problem

# The end of a hidden name: machine, process and its start in seconds, and what it is.
LEFT = re.compile(r"\.(?P<writer>([0-9a-f]{8})-(\d+)-(\d+))\.(?P<kind>partial|old)")
# Seconds by which the start of a process may seem to change when the clock is set.
CLOCK = 60
MACHINE_ID = Path("/etc/machine-id")
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


def begin(path: Path) -> Path:
    """Clear up what killed processes left of `path`, and return the hidden name to write to."""
    recover(path)
    return partial_path(path)


def partial_path(path: Path) -> Path:
    """Return the hidden name beside `path` under which this process writes it."""
    return path.with_name(f".{path.name}.{_writer()}.partial")


def aside_path(path: Path) -> Path:
    """Return the hidden name beside `path` for what was there, while this process replaces it."""
    return path.with_name(f".{path.name}.{_writer()}.old")


def recover(path: Path) -> None:
    """Clear up what killed processes left of `path`.

    Where one was killed while it put a new folder in the place of an old one, the new one, which
    is complete, gets its name. All else is removed. What a living process writes, or one on another
    machine, is left alone.
    """
    with contextlib.suppress(OSError):  # a failure here does not hinder reading
        left = {entry: match for entry, match in _leftovers(path) if _is_dead(match)}
        for entry, match in left.items():
            if match["kind"] == "old" and not path.exists():
                new = path.with_name(f".{path.name}.{match['writer']}.partial")
                (new if new in left else entry).rename(path)
        for entry in left:
            discard(entry)


def discard(path: Path) -> None:
    """Delete a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def publish(partial: Path, path: Path) -> None:
    """Give what was written its final name, in place of anything of that name."""
    if not (path.is_dir() or (path.exists() and partial.is_dir())):
        partial.replace(path)
    elif _exchange(partial, path):
        discard(partial)  # the old one
    else:
        # Without an exchange in one step, the old one steps aside first; see `recover`.
        aside = aside_path(path)
        path.rename(aside)
        try:
            partial.rename(path)
        except BaseException:  # also Ctrl-C
            aside.rename(path)
            raise
        discard(aside)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or the disk cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux
        return False
    return rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


def _leftovers(path: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    prefix = f".{path.name}"
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(prefix):
                match = LEFT.fullmatch(entry.name[len(prefix) :])
                if match is not None:
                    yield path.with_name(entry.name), match


def _writer() -> str:
    """Name this process, so that any other can tell whether it still lives."""
    return f"{_machine()}-{os.getpid()}-{int(psutil.Process().create_time())}"


@cache
def _machine() -> str:
    """Tell this machine, or this container, from all others: there, processes count anew.

    Machines that were cloned often have one name; the number that the system drew for itself tells
    them apart. Where there is none, the name has to do.
    """
    number, space = "", 0
    with contextlib.suppress(OSError):
        number = MACHINE_ID.read_text(encoding="ascii").strip()
    with contextlib.suppress(OSError):
        space = os.stat("/proc/self/ns/pid").st_ino
    return hashlib.sha256(f"{number} {platform.node()} {space}".encode()).hexdigest()[:8]


def _is_dead(match: re.Match[str]) -> bool:
    """Tell whether the process that a hidden name tells of is gone for certain."""
    machine, number, start = match.group(2, 3, 4)
    if machine != _machine():
        return False
    try:
        process = psutil.Process(int(number))
        is_another = process.create_time() > int(start) + CLOCK
        return is_another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the errors of the file system into one sentence that names `path`."""
    try:
        yield
    except OSError as error:
        problem = writing_problem(error, path)
        raise DGNOError(f"{path} could not be written: {problem}.") from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the hidden name of a file that takes the place of `path` at the end, or not at all.

    Raises
    ------
    DGNOError
        If it cannot be written; what was at `path` stays.
    """
    partial = begin(path)
    with writing(path):
        try:
            yield partial
            publish(partial, path)
        finally:
            discard(partial)
