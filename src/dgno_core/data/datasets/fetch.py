"""Fetching BBBC006 from its publisher: the only code here that downloads, and only when called.

Its publisher gives no checksums that we know of. So what was fetched is recorded with its SHA-256
in a manifest beside the images, and whoever fetches the same archive again gets the same bytes or
an error. Each image is also checked against the CRC that its archive holds.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dgno_core.data.datasets.bbbc006 import BLURRED, PLANES, SHARP, SITES, WELLS
from dgno_core.data.datasets.files import images_in
from dgno_core.data.datasets.unpack import unpack
from dgno_core.errors import DGNOError
from dgno_core.io.atomic import replacing, writing
from dgno_core.io.download import (
    DownloadProgressed,
    check_space,
    download,
    file_sha256,
    part_of,
    remote_size,
)
from dgno_core.io.names import BBBC006 as NAME

SERVER = "https://data.broadinstitute.org/bbbc/BBBC006"
MANIFEST = "bbbc006-fetched.json"
ALL_PLANES = (*BLURRED, SHARP)
IMAGES = len(WELLS) * len(SITES) * 2
LABELS = len(WELLS) * len(SITES)
ESTIMATED_SIZE = 0.7e9  # of a plane; from the places of its members, as a public script lists them
# What others have written down for these archives; a difference is worth a warning, no more.
REPORTED = {
    "BBBC006_v1_images_z_00.zip": (
        "ca6a7c023fd3258c0175ec74fe4568203fc158c5022b765e07d0b202ab5c19bc"
    ),
    "BBBC006_v1_images_z_16.zip": (
        "6e1515d08f6365c075e4ce813d7d1670e620b51d5b87339c7f02d9fa56313d0e"
    ),
}


@dataclass(frozen=True)
class Archive:
    """A zip file of the publisher, and what becomes of it.

    Attributes
    ----------
    url
        Where it is.
    folder
        Name of the folder with its files.
    files
        How many files it should hold.
    """

    url: str
    folder: str
    files: int

    @property
    def name(self) -> str:
        """Its file name."""
        return f"{self.folder}.zip"


@dataclass(frozen=True)
class Unpacked:
    """An archive has become a folder of images.

    Attributes
    ----------
    folder
        The folder.
    files
        How many files it holds.
    sha256
        Checksum of the archive.
    """

    folder: Path
    files: int
    sha256: str


@dataclass(frozen=True)
class AlreadyThere:
    """A folder was there and complete; nothing was done.

    Attributes
    ----------
    folder
        The folder.
    """

    folder: Path


@dataclass(frozen=True)
class DownloadWarned:
    """Something that the user should know.

    Attributes
    ----------
    text
        One sentence.
    """

    text: str


FetchEvent = DownloadProgressed | Unpacked | AlreadyThere | DownloadWarned


def archives(
    planes: Sequence[int] = ALL_PLANES, *, labels: bool = False, server: str = SERVER
) -> list[Archive]:
    """List the archives of some planes.

    Parameters
    ----------
    planes
        From 0 to 33; 16 is in focus.
    labels
        Also the outlines of the nuclei.
    server
        Folder on the web that holds the archives.

    Raises
    ------
    DGNOError
        If there are no such planes.
    """
    if not planes or set(planes) - set(PLANES):
        raise DGNOError(
            f"BBBC006 has the planes 0 to {PLANES[-1]}, not {', '.join(map(str, planes))}."
        )
    names = [(f"BBBC006_v1_images_z_{z:02d}", IMAGES) for z in sorted(set(planes))]
    names += [("BBBC006_v1_labels", LABELS)] if labels else []
    return [Archive(f"{server}/{name}.zip", name, files) for name, files in names]


def fetch(folder: Path, wanted: Sequence[Archive]) -> Generator[FetchEvent, None, None]:
    """Download and unpack archives of BBBC006, one after the other.

    An archive that lies in the folder already is used instead of being downloaded. Archives are
    deleted once they are unpacked.

    Parameters
    ----------
    folder
        The top folder of the data set; made if it is not there.
    wanted
        See `archives`.

    Raises
    ------
    DGNOError
        If the disk is too small, the server cannot be reached, or what arrives is not what it
        should be.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    recorded = _read_manifest(folder / MANIFEST)
    to_do = []
    for archive in wanted:
        if _is_there(folder / archive.folder, archive):
            yield AlreadyThere(folder / archive.folder)
        else:
            to_do.append(archive)
    _check_room(folder, to_do)
    for archive in to_do:
        path = folder / archive.name
        expected = recorded.get(archive.name, {}).get("sha256")
        if path.exists():
            sha256 = file_sha256(path)
            if expected not in (None, sha256):
                raise DGNOError(
                    f"{path} is not the file that {folder / MANIFEST} records; delete one of them."
                )
        else:
            sha256 = yield from download(archive.url, path, sha256=expected)
        if REPORTED.get(archive.name, sha256) != sha256:
            yield DownloadWarned(f"{archive.name} has another checksum than others have reported.")
        size = path.stat().st_size
        files = unpack(path, folder / archive.folder, _is_image)
        if files != archive.files:
            yield DownloadWarned(f"{archive.name} holds {files} images, not {archive.files}.")
        recorded[archive.name] = {
            "url": archive.url,
            "bytes": size,
            "sha256": sha256,
            "files": files,
            "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        _write_manifest(folder / MANIFEST, recorded)
        path.unlink()
        yield Unpacked(folder / archive.folder, files, sha256)


def _is_image(name: str) -> bool:
    """Whether a file name is one of BBBC006, of an image or of labels."""
    stem, _, ending = name.rpartition(".")
    if ending.lower() in ("tif", "tiff"):
        return NAME.match(stem) is not None
    return ending.lower() == "png" and NAME.match(f"{stem}_w1") is not None


def _is_there(folder: Path, archive: Archive) -> bool:
    if not folder.exists():
        return False
    count = len(images_in(folder, deep=True))
    if count >= archive.files:
        return True
    raise DGNOError(
        f"{folder} is there but holds {count} of {archive.files} images; rename or delete it, then "
        "fetch again."
    )


def _check_room(folder: Path, to_do: Sequence[Archive]) -> None:
    """Check that the archives and what is in them fit on the disk.

    Images are hardly compressed further in an archive, so each needs its size once for good, and
    the largest once more while it is unpacked.
    """
    needed, largest = 0, 0
    for archive in to_do:
        path = folder / archive.name
        part = part_of(path)
        here = sum(file.stat().st_size for file in (path, part) if file.exists())
        size = here if path.exists() else remote_size(archive.url) or 0
        needed += size
        largest = max(largest, size)
        needed -= min(here, size)
    if to_do:
        check_space(folder, needed + largest)


def _read_manifest(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return dict(content["archives"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DGNOError(f"{path} is damaged; delete it to fetch without it.") from error


def _write_manifest(path: Path, archives: dict[str, dict[str, Any]]) -> None:
    content = {
        "data set": "BBBC006",
        "checksums": "recorded when fetched; the publisher gives none",
        "archives": archives,
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
