"""Data sets whose split is published as folders: one for each split, with blurred and sharp ones.

The folders of the released MPT code are meant: ``train/blur``, ``train/GT``, ``test/blur`` ...
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dgno_core.data.datasets.files import child, images_in

SPLITS = ("train", "val", "test")


def has_split_folders(folder: Path) -> bool:
    """Whether a folder holds at least one split with a blurred and a sharp side."""
    return any(
        child(child(folder, split), "blur").is_dir() and child(child(folder, split), "GT").is_dir()
        for split in SPLITS
    )


def split_folders(root: Path) -> Iterator[tuple[str, list[Path], list[Path]]]:
    """Yield each split with its blurred and its sharp images."""
    for split in SPLITS:
        folder = child(root, split)
        yield split, images_in(child(folder, "blur")), images_in(child(folder, "GT"))
