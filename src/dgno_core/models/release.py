"""Which weights are offered for download: a table of names, addresses and checksums."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import Field

from dgno_core.base_config import BaseConfig

TABLE = Path(__file__).parent / "releases.yaml"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
SHA256 = r"^[0-9a-f]{64}$"


class Release(BaseConfig):
    """A weights file that is offered for download.

    Attributes
    ----------
    name
        Name of the weights.
    url
        Where the file is.
    sha256
        Checksum of the file.
    size
        Of the file, in bytes.
    """

    name: str = Field(pattern=NAME)
    url: str = Field(pattern=r"^https://.+")
    sha256: str = Field(pattern=SHA256)
    size: int = Field(gt=0)


@cache
def releases() -> Mapping[str, Release]:
    """Weights that are offered for download, by name."""
    import yaml

    entries = yaml.safe_load(TABLE.read_text(encoding="utf-8")) or []
    return {entry["name"]: Release.model_validate(entry) for entry in entries}
