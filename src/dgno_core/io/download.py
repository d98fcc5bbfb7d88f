"""Getting one file so that a cut connection, a full disk or Ctrl-C loses nothing.

What has arrived lies beside the target as ``.NAME.part``; the next call goes on where it ends, if
the server still has the same file. The final name appears when all bytes are there and their
checksum, if it is known, is right.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import begin, discard, publish, writing

CHUNK = 1 << 20
TIMEOUT = 60.0
TRIES = 3
_NAME = {"User-Agent": "napari-dgno"}
_CUT = (http.client.HTTPException, ConnectionError, TimeoutError, EOFError)


@dataclass(frozen=True)
class DownloadProgressed:
    """Some bytes have arrived.

    Attributes
    ----------
    name
        The file.
    done, total
        Bytes; `total` is None if the server does not tell.
    """

    name: str
    done: int
    total: int | None


def part_of(target: Path) -> Path:
    """Return the hidden name beside `target` under which what has arrived is kept."""
    return target.with_name(f".{target.name}.part")


def remote_size(url: str) -> int | None:
    """Size of a file on a server in bytes; None if the server does not tell.

    Raises
    ------
    DGNOError
        If the server cannot be reached or has no such file.
    """
    request = urllib.request.Request(url, method="HEAD", headers=_NAME)
    try:
        with contextlib.closing(_open(request)) as response:
            return _number(response.headers.get("Content-Length"))
    except _CUT as error:
        raise DGNOError(_unreachable(url, error)) from error


def download(
    url: str, target: Path, *, sha256: str | None = None, size: int | None = None
) -> Generator[DownloadProgressed, None, str]:
    """Download a file and return its SHA-256, yielding how far it has come.

    Parameters
    ----------
    url
        The file.
    target
        Its place; the folder must be there.
    sha256
        What the checksum must be, if that is known.
    size
        How many bytes there must be, if that is known: a larger file is not taken in.

    Raises
    ------
    DGNOError
        If the server cannot be reached, the connection is cut again and again, the disk is full,
        or the file is another one.
    """
    part = part_of(target)
    for attempt in range(TRIES):
        try:
            yield from _receive(url, part, size)
            break
        except _CUT as error:
            if attempt + 1 == TRIES:
                raise DGNOError(
                    f"The connection was cut while {target.name} came ({_words(error)}); run the "
                    "same command again, it goes on where it stopped."
                ) from error
    found = file_sha256(part)
    if sha256 is not None and found != sha256:
        _forget(part)
        raise DGNOError(
            f"{url} arrived with the checksum {found}, but {sha256} was expected; it was deleted. "
            "Try again, and if it stays so, the file on the server is another one."
        )
    with writing(target):
        part.replace(target)
    _forget(part)
    return found


def copy(
    source: Path, target: Path, *, sha256: str | None = None
) -> Generator[DownloadProgressed, None, str]:
    """Copy a file of this machine as `download` would fetch it, and return its SHA-256.

    Raises
    ------
    DGNOError
        If there is no such file, the disk is full, or the checksum is wrong.
    """
    if not source.is_file():
        raise DGNOError(f"There is no file {source}; check the name.")
    partial, done, digest = begin(target), 0, hashlib.sha256()
    total = source.stat().st_size
    check_space(target.parent, total)
    try:
        with writing(target), source.open("rb") as old, partial.open("wb") as new:
            while chunk := old.read(CHUNK):
                new.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                yield DownloadProgressed(target.name, done, total)
        if sha256 is not None and digest.hexdigest() != sha256:
            raise DGNOError(
                f"{source} has the checksum {digest.hexdigest()}, but {sha256} was expected; it is "
                "another file, or it is damaged: download it again."
            )
        with writing(target):
            publish(partial, target)
    finally:
        discard(partial)
    return digest.hexdigest()


def check_space(folder: Path, needed: int) -> None:
    """Check that a disk has room for some bytes.

    Raises
    ------
    DGNOError
        If it has not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DGNOError(
            f"{folder} has {free / 1e9:.1f} GB free, but {needed / 1e9:.1f} GB are needed; free "
            "some space or choose another place."
        )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with writing(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _receive(url: str, part: Path, size: int | None) -> Generator[DownloadProgressed, None, None]:
    """Append to `part` what is still lacking of `size` bytes."""
    here = part.stat().st_size if part.exists() else 0
    tag = _tag_file(part).read_text(encoding="utf-8") if _tag_file(part).exists() else ""
    request = urllib.request.Request(url, headers=_NAME)
    if here and tag:
        request.add_header("Range", f"bytes={here}-")
        request.add_header("If-Range", tag)  # another file by now is sent whole
    with contextlib.closing(_open(request)) as response:
        start, total = _extent(response)
        if start != here:
            start = here = 0
            if response.status != 200:
                _forget(part)
                raise ConnectionError("the server sent another part of the file")
        _check_size(url, total, size, part)
        name = part.name.removeprefix(".").removesuffix(".part")
        with writing(part):
            _tag_file(part).write_text(_tag(response.headers), encoding="utf-8")
            file = part.open("ab" if start else "wb")
        with file:
            while chunk := response.read(CHUNK):  # its errors are the connection's, not the disk's
                with writing(part):
                    file.write(chunk)
                here += len(chunk)
                if size is not None and here > size:
                    _check_size(url, here, size, part)
                yield DownloadProgressed(name, here, total)
    if total is not None and here < total:
        raise ConnectionError(f"{here} of {total} bytes came")


def _check_size(url: str, found: int | None, size: int | None, part: Path) -> None:
    """Refuse a file that cannot be the one it should be."""
    if size is not None and found is not None and found != size:
        _forget(part)
        raise DGNOError(
            f"{url} has {found} bytes, but {size} were expected; it is another file, and nothing "
            "of it was kept."
        )


def _open(request: urllib.request.Request) -> Any:
    """Open a request; what the user must know becomes a `DGNOError`, what may pass an error."""
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # asked for bytes behind the end: the file has changed or is whole
            total = _number(str(error.headers.get("Content-Range", "")).rpartition("/")[2])
            return _Nothing(total)
        if error.code in (405, 501) and request.method == "HEAD":  # it does not do that
            return _Nothing(None)
        if error.code >= 500:
            raise ConnectionError(f"the server answered {error.code}") from error
        raise DGNOError(
            f"{request.full_url} cannot be had: the server answered {error.code} {error.reason}; "
            "look at the page that offers it."
        ) from error
    except urllib.error.URLError as error:
        raise DGNOError(_unreachable(request.full_url, error.reason)) from error


class _Nothing:
    """An answer without bytes: all of them are here already, or the server does not tell."""

    status = 416

    def __init__(self, total: int | None) -> None:
        self.total, self.headers = total, Message()

    def read(self, _: int) -> bytes:
        return b""

    def close(self) -> None:
        pass


def _extent(response: Any) -> tuple[int, int | None]:
    """First byte that an answer holds, and size of the whole file."""
    if isinstance(response, _Nothing):
        return response.total or 0, response.total
    if response.status == 206:
        match = re.match(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        return (int(match[1]), _number(match[2])) if match else (-1, None)
    return 0, _number(response.headers.get("Content-Length"))


def _tag(headers: Message) -> str:
    """What tells one version of the file from another; a weak tag does not."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _words(error: object) -> str:
    return str(error) or type(error).__name__


def _unreachable(url: str, reason: object) -> str:
    return (
        f"{url} cannot be reached ({_words(reason)}); check the connection, or download it in a "
        "browser."
    )
