"""Weights that are not in the package: fetching them, and checking them.

What arrives is no code, and it is used only after three checks: its SHA-256 is the one that was
published, it loads (shapes and finite numbers) as the network of its card, and the card has the
name that was asked for. Until then it lies in a hidden folder beside its place.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit
from urllib.request import url2pathname

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import discard, publish, writing
from dgno_core.io.download import (
    DownloadProgressed,
    check_space,
    copy,
    download,
    file_sha256,
    part_of,
)
from dgno_core.models.architectures import ARCHITECTURES
from dgno_core.models.checkpoint import load_model
from dgno_core.models.header import SUFFIX
from dgno_core.models.release import NAME, SHA256, Release, releases
from dgno_core.models.weights import PACKAGED, model_cache

UNFINISHED = ".fetching"  # folder beside the models


@dataclass(frozen=True)
class ModelFetched:
    """Weights are in their place and can be used.

    Parameters
    ----------
    name
        Their name.
    path
        Their file.
    sha256
        Its checksum.
    was_there
        Whether nothing had to be done.
    """

    name: str
    path: Path
    sha256: str
    was_there: bool = False


FetchEvent: TypeAlias = DownloadProgressed | ModelFetched


def fetch_model_events(
    name: str,
    folder: Path | None = None,
    *,
    source: str | Path | None = None,
    sha256: str | None = None,
) -> Generator[FetchEvent, None, None]:
    """Fetch weights, check them, and put them where `load_model` finds them by name.

    What has come of a download that was cut or cancelled is kept, and the next call goes on there.

    Parameters
    ----------
    name
        Name of the weights.
    folder
        The user's model folder, made if it is not there; None for `model_cache`.
    source
        Address (``https``, ``http`` or ``file``) or path of the file, in place of the published
        address.
    sha256
        Checksum of the file, where none is published. A file of this machine may go without.

    Yields
    ------
    DownloadProgressed
        On the way.
    ModelFetched
        At the end.

    Raises
    ------
    DGNOError
        If there is no release of that name, the file cannot be had, the disk is full, or the file
        is not what it should be.
    """
    release = _wanted(name, source)
    expected = _expected(name, release, source, sha256)
    place = model_cache() if folder is None else folder
    target = place / f"{name}{SUFFIX}"
    local = _local(source)
    if target.exists():
        if expected is None and local is not None and local.is_file():
            expected = file_sha256(local)
        yield ModelFetched(name, target, _same(target, expected), was_there=True)
        return
    staged = place / UNFINISHED / target.name
    with writing(place):
        staged.parent.mkdir(parents=True, exist_ok=True)
    try:
        if local is not None:
            found = yield from copy(local, staged, sha256=expected)
        else:
            size = None if release is None else release.size
            check_space(place, max((size or 0) - _here(staged), 0))
            url = str(source) if source is not None else release.url if release else ""
            found = yield from download(url, staged, sha256=expected, size=size)
        _check_weights(staged, name)
        with writing(target):
            publish(staged, target)
    finally:
        discard(staged)
        with suppress(OSError):  # a part of a download is kept for the next time
            staged.parent.rmdir()
    yield ModelFetched(name, target, found)


def _wanted(name: str, source: str | Path | None) -> Release | None:
    """What is published under a name; None if a source is given for one that is not."""
    if not re.fullmatch(NAME, name):
        raise DGNOError(f"{name!r} cannot be the name of weights; see dgno models.")
    if (PACKAGED / f"{name}{SUFFIX}").is_file():
        raise DGNOError(f"The weights {name} are part of this program; nothing is to be fetched.")
    release = releases().get(name)
    if release is None and source is None:
        offered = ", ".join(releases())
        known = f"offered are: {offered}" if offered else "no weights have been released yet"
        train = "train them yourself, or " if name in ARCHITECTURES else ""
        raise DGNOError(
            f"There are no weights {name} to be fetched ({known}); {train}name a file or address "
            "of them with --from."
        )
    return release


def _expected(
    name: str, release: Release | None, source: str | Path | None, sha256: str | None
) -> str | None:
    """What the checksum must be; None for a file of this machine of which none is known."""
    given = None if sha256 is None else sha256.strip().lower()
    if given is not None and not re.fullmatch(SHA256, given):
        raise DGNOError(f"A SHA-256 has 64 digits of 0-9 and a-f, which {sha256!r} has not.")
    if release is not None:
        if given not in (None, release.sha256):
            raise DGNOError(
                f"The weights {name} were released with the checksum {release.sha256}, not {given}."
            )
        return release.sha256
    if given is None and _local(source) is None:
        raise DGNOError(
            f"Nothing tells whether {source} is what it should be; give the checksum of the file "
            "with --sha256."
        )
    return given


def _local(source: str | Path | None) -> Path | None:
    """The file that a source means, if it is on this machine."""
    if source is None or isinstance(source, Path):
        return source
    parts = urlsplit(source)
    if parts.scheme in ("http", "https"):
        return None
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    if "://" in source:
        raise DGNOError(f"{source} cannot be fetched; give an https address or a file.")
    return Path(source)


def _same(target: Path, expected: str | None) -> str:
    """Checksum of a file that is there already, which must not be another one."""
    found = file_sha256(target)
    if expected != found:
        raise DGNOError(
            f"{target} is there already, but is another file; delete or rename it, then fetch "
            "again."
        )
    return found


def _check_weights(path: Path, name: str) -> None:
    """Load weights as they will be used."""
    try:
        card = load_model(path, "cpu").card
    except DGNOError as error:
        raise DGNOError(
            f"What was fetched as {name} cannot be used and was deleted: {error}"
        ) from error
    if card is None or card.name != name:
        found = "no name" if card is None else f"the name {card.name}"
        raise DGNOError(f"The file that was fetched has {found}, not {name}; it was deleted.")


def _here(staged: Path) -> int:
    """How many bytes have come before."""
    part = part_of(staged)
    return part.stat().st_size if part.exists() else 0
