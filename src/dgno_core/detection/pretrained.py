"""The StarDist authors' pretrained models: fetched once, then found where StarDist keeps them."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from dgno_core.detection.stardist_library import import_stardist
from dgno_core.errors import DGNOError
from dgno_core.io.atomic import publish, writing
from dgno_core.io.download import download

SUFFIX = "_extracted"  # StarDist's own name for the unpacked folder beside NAME.zip


def pretrained_folder(name: str) -> Path | None:
    """Return the folder of a pretrained model, fetching it if it is not there yet.

    Parameters
    ----------
    name
        Such as ``2D_versatile_fluo``, or an alias of it.

    Returns
    -------
    Path or None
        None if StarDist knows no such model.

    Raises
    ------
    DGNOError
        If it must be fetched and there is no network; nothing is left of what had arrived.
    """
    known = _details(name)
    if known is None:
        return None
    key, details = known
    place = _cache() / key
    folder = place / f"{key}{SUFFIX}"
    for candidate in (folder, place / key, place):  # newer and older StarDist
        if (candidate / "config.json").is_file():
            return candidate
        if (candidate / key / "config.json").is_file():
            return candidate / key
    _fetch(key, details, folder)
    return folder


def _fetch(key: str, details: Mapping[str, str], folder: Path) -> None:
    """Fetch and unpack a model; its folder appears complete or not at all."""
    made = [level for level in (folder.parent, *folder.parent.parents) if not level.exists()]
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".dgno-", dir=folder.parent) as place:
            archive = Path(place) / f"{key}.zip"
            try:
                for _ in download(details["url"], archive, sha256=details["hash"]):
                    pass
            except DGNOError as error:
                raise DGNOError(
                    f"The model {key} is not on this computer and could not be fetched from "
                    f"{details['url']}; connect to the network once, or choose the packaged model."
                ) from error
            _unpack(archive, Path(place) / folder.name)
            with writing(folder):
                publish(Path(place) / folder.name, folder)
                publish(archive, folder.parent / archive.name)
    finally:
        for level in made:
            if level.is_dir() and not any(level.iterdir()):
                level.rmdir()


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the files of a model, wherever in the archive they lie."""
    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as zipped:
            for entry in zipped.infolist():
                name = Path(entry.filename).name
                if Path(name).suffix in (".json", ".h5"):
                    (folder / name).write_bytes(zipped.read(entry))
    except (zipfile.BadZipFile, OSError) as error:
        raise DGNOError(f"{archive.name} arrived damaged ({error}); try again.") from error


def _details(name: str) -> tuple[str, Mapping[str, str]] | None:
    """Return StarDist's own name, address and checksum of a model, if it knows it."""
    models = import_stardist()
    from csbdeep.models.pretrained import get_model_details

    try:
        key, _, details = get_model_details(models.StarDist2D, name)
    except (ValueError, KeyError):
        return None
    return key, details


def _cache() -> Path:
    """Return where StarDist itself keeps what it has fetched."""
    home = os.environ.get("KERAS_HOME", Path.home() / ".keras")
    return Path(home).expanduser() / "models" / "StarDist2D"
