"""Finding the image files of a data set, and the folder in which it lies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from dgno_core.errors import DGNOError
from dgno_core.io.folder import TIFFS
from dgno_core.io.names import natural_key
from dgno_core.io.pictures import PICTURES

IMAGES = frozenset((*TIFFS, *PICTURES))
# What archives and desktops leave behind; files that begin with a dot are left aside as well.
JUNK = frozenset(("__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"))
LEVELS = 2


def images_in(folder: Path, *, deep: bool = False) -> list[Path]:
    """List the image files of a folder in natural order; upper-case endings count as well.

    Parameters
    ----------
    folder
        Where to look; a folder that does not exist has no images.
    deep
        Look into its sub-folders too.
    """
    if not folder.is_dir():
        return []
    found = (
        _walk(folder) if deep else (path for path in folder.iterdir() if not _is_junk(path.name))
    )
    images = (path for path in found if path.suffix.lower() in IMAGES and path.is_file())
    return sorted(images, key=lambda path: [natural_key(part) for part in path.parts])


def subfolders(folder: Path) -> list[Path]:
    """List the folders in a folder, without hidden ones, in natural order."""
    try:
        found = [path for path in folder.iterdir() if path.is_dir() and not _is_junk(path.name)]
    except OSError:  # one that may not be entered
        return []
    return sorted(found, key=lambda path: natural_key(path.name))


def child(folder: Path, name: str) -> Path:
    """Sub-folder of a name in whatever case; the name as it is if there is none."""
    wanted = name.lower()
    same = (path for path in subfolders(folder) if path.name.lower() == wanted)
    return next(same, folder / name)


def top_folder(root: Path, title: str, is_top: Callable[[Path], bool], needs: str) -> Path:
    """Return `root` if it is the top folder of a data set; else say which folder is.

    Parameters
    ----------
    root
        What the user gave.
    title
        Name of the data set, for the error.
    is_top
        Whether a folder is the top one.
    needs
        What the top folder holds, for the error.

    Raises
    ------
    DGNOError
        If `root` is no folder, or not the top one.
    """
    check_folder(root, title)
    if is_top(root):
        return root
    near = [*_below(root, LEVELS), *list(root.resolve().parents)[:LEVELS]]
    better = next((folder for folder in near if is_top(folder)), None)
    if better is not None:
        raise DGNOError(f"{root} is not the top folder of {title}; give {better} instead.")
    raise DGNOError(f"{root} holds no {title} images; give the folder that holds {needs}.")


def check_folder(root: Path, title: str) -> None:
    """Check that `root` is a folder.

    Raises
    ------
    DGNOError
        If it is not.
    """
    if not root.is_dir():
        problem = "is a file, not a folder" if root.exists() else "does not exist"
        raise DGNOError(f"{root} {problem}; give the folder with the images of {title}.")


def header_size(path: Path) -> tuple[int, int] | None:
    """Return ``(Y, X)`` of an image from its header, or None if it is no readable image.

    Pillow is asked directly: unlike `dgno_core.io.read_image` it also knows the size of the 16-bit
    colour PNG files of DPDD, and of TIFF files that bear the ending of a PNG.
    """
    from PIL import Image

    try:
        with Image.open(path) as file:
            return file.height, file.width
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _walk(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder, following links, but none of them round in circles."""
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not _is_junk(name)]
        yield from (Path(place, name) for name in names if not _is_junk(name))


def _below(folder: Path, levels: int) -> Iterator[Path]:
    children = subfolders(folder)
    yield from children
    if levels > 1:
        for path in children:
            yield from _below(path, levels - 1)


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name in JUNK
