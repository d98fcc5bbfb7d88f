"""A hash of the files of an image: equal for equal content, wherever the files lie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from dgno_core.io.source import ImageSource


def content_hash(source: ImageSource, limit: int | None = None) -> str | None:
    """SHA-256 of what an image was read from; see `path_hash`.

    Parameters
    ----------
    source
        The image.
    limit
        Leave out files that are larger than this many bytes together.

    Returns
    -------
    str or None
        None where there are no such files, or no longer.
    """
    return None if source.path is None else path_hash(source.path, source.files, limit)


def path_hash(path: Path, others: Iterable[Path] = (), limit: int | None = None) -> str | None:
    """SHA-256 of a file; for a folder or several files, of the sorted list of names and hashes.

    Parameters
    ----------
    path
        The file or folder.
    others
        Files elsewhere that belong to it.
    limit
        Leave out files that are larger than this many bytes together.

    Returns
    -------
    str or None
        None where there are no such files, or no longer.
    """
    if not path.exists():
        return None
    try:
        path = path.resolve()  # the same file, however it was named
        top = path if path.is_dir() else path.parent
        inside = [inner for inner in path.rglob("*") if _is_data(inner, path)]
        everything = [*(inside or [path]), *(other.resolve() for other in others)]
        files = {_place(file, top): file for file in everything}
        if limit is not None and sum(file.stat().st_size for file in files.values()) > limit:
            return None
        if list(files.values()) == [path]:
            return file_hash(path)
        lines = [f"{file_hash(files[place])}  {place}\n" for place in sorted(files)]
    except FileNotFoundError:
        return None
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_data(path: Path, top: Path) -> bool:
    """Whether a file belongs to an image; zarr's metadata may be hidden, rubbish is otherwise."""
    zarr = path.name.startswith(".z")
    hidden = any(part.startswith(".") for part in path.relative_to(top).parts)
    return path.is_file() and (zarr or not hidden)


def _place(path: Path, top: Path) -> str:
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else path.name
