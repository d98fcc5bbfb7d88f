"""What an image is made of, as one number: the same files give the same, wherever they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dgno_core.io.source import ImageSource


def content_hash(source: ImageSource, limit: int | None = None) -> str | None:
    """SHA-256 of the file of an image; of the list of its files and hashes if there are several.

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
    if source.path is None or not source.path.exists():
        return None
    try:
        top = source.path if source.path.is_dir() else source.path.parent
        inside = [path for path in source.path.rglob("*") if _is_data(path, source.path)]
        files = {_place(path, top): path for path in [*(inside or [source.path]), *source.files]}
        if limit is not None and sum(path.stat().st_size for path in files.values()) > limit:
            return None
        if list(files.values()) == [source.path]:
            return file_hash(source.path)
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
