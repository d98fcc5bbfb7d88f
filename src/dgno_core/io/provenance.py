"""The record of how a result was made."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from dgno_core.base_config import BaseConfig
from dgno_core.errors import DGNOError
from dgno_core.io.atomic import begin, discard, writing
from dgno_core.io.content import content_hash
from dgno_core.io.source import ImageSource

HASHED = 1 << 28  # bytes: a look at a part of a larger input does not read all of it for its hash


class SourceRecord(BaseConfig):
    """What was restored."""

    name: str
    path: str | None = None
    sha256: str | None = None
    shape: tuple[int, ...]
    axes: str
    dtype: str

    @classmethod
    def of(cls, source: ImageSource, *, limit: int | None = HASHED) -> SourceRecord:
        """Describe an image, with the hash of its files if these are of at most `limit` bytes."""
        return cls(
            name=source.name,
            path=None if source.path is None else str(source.path),
            sha256=content_hash(source, limit),
            shape=source.shape,
            axes=source.axes,
            dtype=str(source.dtype),
        )


class Provenance(BaseConfig):
    """How a result was made, completely enough to make it again.

    Its `axes` are those that lie in its file, whose order may be another than the source's; None
    if it has no file.
    """

    tool: str = "napari-dgno"
    version: str
    created: str
    source: SourceRecord
    axes: str | None = None
    model: str
    weights_sha256: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    tile: int
    wanted_tile: int | None = None  # before a lack of memory
    device: str
    output_sha256: str | None = None  # of the file or folder that the record describes
    versions: dict[str, str] = Field(default_factory=dict)
    command: str
    warnings: list[str] = Field(default_factory=list)

    def write_beside(self, output: str | Path) -> Path:
        """Write the record as ``<output>.json``, complete or not at all; return its path.

        Raises
        ------
        DGNOError
            If it cannot be written.
        """
        path = beside(output)
        partial = begin(path)
        with writing(path):
            try:
                partial.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
                partial.replace(path)
            except BaseException:
                discard(partial)
                raise
        return path


def beside(output: str | Path) -> Path:
    """Return the path of the record of `output`."""
    output = Path(output)
    return output.with_name(output.name + ".json")


def read_beside(output: str | Path) -> Provenance | None:
    """Read the record of `output`; None if there is none.

    Raises
    ------
    DGNOError
        If there is a file of its name that is no such record.
    """
    path = beside(output)
    if not path.is_file():
        return None
    try:
        return Provenance.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise DGNOError(f"{path} is not a record of a restoration; move it away.") from error


def now() -> str:
    """Return the time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions(*distributions: str) -> dict[str, str]:
    """Return the versions of Python and of installed distributions."""
    found: Mapping[str, str] = {
        name: version for name in distributions if (version := version_of(name)) is not None
    }
    return {"python": platform.python_version(), **found}


def program_version() -> str:
    """Return the version of this program, as records have it."""
    return version_of("napari-dgno") or "unknown"


def version_of(distribution: str) -> str | None:
    """Return the version of an installed distribution; None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
