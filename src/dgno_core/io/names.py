"""File names of focal stacks: natural order, and the naming of BBBC006."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# A minus is a sign at the start of a name or after one of these; in "img-003" it is a hyphen.
NUMBER = re.compile(r"(?:(?<![^\s_=(])-)?\d+")
BBBC006 = re.compile(
    r"^(?:(?P<before>\d+)_)?(?:mcf-z-stacks-\d+|BBBC006_z_\w+?)_+(?P<well>[a-p]\d\d)_+s(?P<site>\d)"
    r"_+w(?P<channel>[12])(?:_(?P<after>\d+)|[0-9a-f]{8}-[0-9a-f-]{27})?$",
    re.IGNORECASE,
)
Z_FOLDER = re.compile(r"_z_(\d+)$", re.IGNORECASE)


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sorting key in which 2 comes before 10, and -9 before 0.

    Numbers sort before letters, so that any two names can be compared.
    """
    key: list[tuple[int, int, str]] = []
    end = 0
    for match in NUMBER.finditer(text):
        if between := text[end : match.start()].lower():
            key.append((1, 0, between))
        key.append((0, int(match.group()), ""))
        end = match.end()
    return (*key, (1, 0, text[end:].lower()))


@dataclass(frozen=True, order=True)
class Field:
    """One plane of BBBC006: its field of view, channel, and depth where the name tells it."""

    well: str
    site: int
    channel: int
    z: int


def parse_field(path: Path) -> Field | None:
    """Read a BBBC006 name; the depth is in the file name, or in the folder's (``..._z_16``)."""
    match = BBBC006.match(path.stem)
    if match is None:
        return None
    folder = Z_FOLDER.search(path.parent.name)
    z = match["before"] or match["after"] or (folder[1] if folder else "0")
    return Field(match["well"].lower(), int(match["site"]), int(match["channel"]), int(z))


def parse_fields(paths: Sequence[Path]) -> dict[Field, Path] | None:
    """Read BBBC006 names; None if one of them is no such name, or two of them say the same."""
    fields = {field: path for path in paths if (field := parse_field(path)) is not None}
    return fields if fields and len(fields) == len(paths) else None
