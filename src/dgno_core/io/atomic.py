"""Files that appear complete or not at all.

Everything is written beside its target under a hidden name and renamed when it is complete, so
that neither an error nor a killed process leaves something that looks like a result.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from dgno_core.errors import DGNOError


def partial_path(path: Path) -> Path:
    """Return the hidden name beside `path` under which this process writes it."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def discard(path: Path) -> None:
    """Delete a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def publish(partial: Path, path: Path) -> None:
    """Give what was written its final name, in place of anything of that name."""
    if path.is_dir() or (path.exists() and partial.is_dir()):
        # Folders cannot be replaced in one step: the old one steps aside first.
        aside = path.with_name(f".{path.name}.{os.getpid()}.old")
        path.rename(aside)
        try:
            partial.rename(path)
        except BaseException:  # also Ctrl-C
            aside.rename(path)
            raise
        discard(aside)
    else:
        partial.replace(path)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the errors of the file system into one sentence that names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            problem = "the disk is full; free some space or choose another place"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            problem = "you may not write there; choose another place"
        elif error.errno == errno.ENOTDIR:
            problem = "a part of the path is a file; choose another place"
        elif error.errno == errno.ENOENT:
            problem = f"there is no folder {path.parent}; make it first"
        else:
            problem = error.strerror or str(error)
        raise DGNOError(f"{path} could not be written: {problem}.") from error
