"""A folder of results that appear together or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dgno_core.errors import DGNOError


@contextmanager
def result_folder(
    folder: Path, names: Sequence[str] = (), *, overwrite: bool = False
) -> Iterator[Path]:
    """Lend a hidden folder; what is written there moves to `folder` at the end, if all went well.

    Parameters
    ----------
    folder
        Made when missing; other files in it stay.
    names
        Files that will be written, to complain about before any work begins.
    overwrite
        Allow files that exist already.

    Yields
    ------
    The hidden folder.

    Raises
    ------
    DGNOError
        If a file stands where the folder should be, a result exists, or it cannot be written.
    """
    from dgno_core.io.atomic import writing

    if folder.exists() and not folder.is_dir():
        raise DGNOError(f"{folder} is a file; give a folder to -o.")
    _refuse(folder, names, overwrite)
    with writing(folder):
        made = [level for level in (folder, *folder.parents) if not level.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        hidden = Path(tempfile.mkdtemp(prefix=".dgno-", dir=folder))
    try:
        with _telling(folder, hidden):
            yield hidden
        found = sorted(path.name for path in hidden.iterdir())
        _refuse(folder, found, overwrite)
        with writing(folder):
            for name in found:
                (hidden / name).replace(folder / name)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
        for level in made:
            if not any(level.iterdir()):
                level.rmdir()


@contextmanager
def _telling(folder: Path, hidden: Path) -> Iterator[None]:
    """Tell that `folder` could not be written where that failed in the hidden one.

    An error of a file that is read is another one.
    """
    from dgno_core.io.atomic import writing

    try:
        yield
    except OSError as error:
        is_reading = error.filename and not Path(error.filename).is_relative_to(hidden)
        if is_reading or error.errno is None:
            raise
        with writing(folder):
            raise


def _refuse(folder: Path, names: Sequence[str], overwrite: bool) -> None:
    for name in names:
        path = folder / name
        if path.is_dir():
            raise DGNOError(f"{path} is a folder; give another one to -o.")
        if path.exists() and not overwrite:
            raise DGNOError(f"{path} exists already; add --overwrite or change -o.")
