"""What a result must never replace: the user's own files that happen to bear its name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from dgno_core.errors import DGNOError
from dgno_core.io.ome_zarr import is_zarr
from dgno_core.io.provenance import beside, read_beside

# .DS_Store is written by the file browser of macOS.
ZARR_FILES = ("zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata", ".DS_Store")
CHUNK = re.compile(r"c|(c\.)?\d+(\.\d+)*")  # names of chunks, or of the folders that hold them


def is_foreign_folder(path: Path) -> bool:
    """Tell whether `path` is a folder that holds anything but a zarr image.

    Only its top level is looked at: metadata, chunks, and the arrays and groups within.
    """
    if not path.is_dir():
        return False
    if path.suffix.lower() != ".zarr" or not is_zarr(path):
        return True
    return not all(_is_of_zarr(entry) for entry in path.iterdir())


def is_foreign_record(output: Path) -> bool:
    """Tell whether the place of the record of `output` is taken by something that is no record."""
    path = beside(output)
    if not path.exists():
        return False
    try:
        return read_beside(output) is None
    except (DGNOError, OSError):
        return True


def check_folder(folder: Path) -> None:
    """Check that a folder is there or can be made.

    Raises
    ------
    DGNOError
        If a file stands in its way, or nothing may be made where it would be.
    """
    above = next(level for level in (folder, *folder.parents) if level.exists())
    if above == folder and folder.is_dir():
        return  # whether it may be written to is a matter of each file
    if not above.is_dir():
        raise DGNOError(f"{folder} could not be made: {above} is a file; choose another place.")
    if not os.access(above, os.W_OK):
        raise DGNOError(
            f"{folder} could not be made: you may not write in {above}; choose another place."
        )


def _is_of_zarr(entry: Path) -> bool:
    if entry.is_dir() and is_zarr(entry):
        return True
    return entry.name in ZARR_FILES or CHUNK.fullmatch(entry.name) is not None
