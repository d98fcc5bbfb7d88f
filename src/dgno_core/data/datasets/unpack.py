"""Unpacking a downloaded archive of images: complete or not at all, and only into its folder.

Archives can name members such as ``../../.bashrc``, or links, or be small and unpack to terabytes.
Here every member lands directly in one new folder under its bare name.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import begin, discard, publish, writing
from dgno_core.io.download import check_space

CHUNK = 1 << 20
_DAMAGES = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError)


def unpack(archive: Path, folder: Path, is_wanted: Callable[[str], bool]) -> int:
    """Unpack the wanted members of a zip archive into a folder that appears when it is complete.

    Parameters
    ----------
    archive
        The zip file.
    folder
        Where its members shall lie, without the folders that the archive has; must not be there.
    is_wanted
        Whether a bare file name belongs to the data set; all else is left in the archive.

    Returns
    -------
    int
        How many files were unpacked.

    Raises
    ------
    DGNOError
        If the archive is damaged, unsafe, empty, or does not fit on the disk.
    """
    partial = begin(folder)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _wanted(opened, archive, is_wanted)
            check_space(folder.parent, sum(member.file_size for member in members.values()))
            with writing(folder):
                discard(partial)
                partial.mkdir()
                for name, member in members.items():
                    with opened.open(member) as source, (partial / name).open("wb") as target:
                        shutil.copyfileobj(source, target, CHUNK)  # checks the CRC at the end
                publish(partial, folder)
    except (*_DAMAGES, NotImplementedError, RuntimeError) as error:  # or it asks for a password
        raise DGNOError(f"{archive} is damaged ({error}); delete it and fetch it again.") from error
    finally:
        discard(partial)
    return len(members)


def _wanted(
    opened: zipfile.ZipFile, archive: Path, is_wanted: Callable[[str], bool]
) -> dict[str, zipfile.ZipInfo]:
    """Members by the bare name under which they will lie."""
    found: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for member in opened.infolist():
        if _is_unsafe(member):
            raise DGNOError(
                f"{archive} holds {member.filename!r}, which points outside its folder; it is not "
                "the archive it should be and nothing was unpacked."
            )
        path = PurePosixPath(member.filename)
        if member.is_dir() or "__MACOSX" in path.parts or not is_wanted(path.name):
            continue
        if path.name.lower() in seen:  # one file on disks that ignore case
            raise DGNOError(f"{archive} holds {path.name} twice; nothing was unpacked.")
        seen.add(path.name.lower())
        found[path.name] = member
    if not found:
        raise DGNOError(f"{archive} holds no images of this data set; nothing was unpacked.")
    return found


def _is_unsafe(member: zipfile.ZipInfo) -> bool:
    name = member.filename
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    outside = posix.is_absolute() or windows.is_absolute() or bool(windows.drive)
    return is_link or outside or ".." in posix.parts or ".." in windows.parts
