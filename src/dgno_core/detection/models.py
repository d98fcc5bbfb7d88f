"""StarDist models: the packaged one, the authors' pretrained ones, and any folder with one."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgno_core.detection.config import PACKAGED
from dgno_core.detection.stardist_library import import_stardist, suppress_output, why_unavailable
from dgno_core.errors import DGNOError
from dgno_core.io.atomic import publish, writing
from dgno_core.io.download import download
from dgno_core.wording import did_you_mean

__all__ = ["Detector", "detector_names", "load_detector", "why_unavailable"]

FOLDER = Path(__file__).parents[1] / "weights"
PRETRAINED = ("2D_versatile_fluo", "2D_paper_dsb2018", "2D_versatile_he", "2D_demo")
WEIGHTS = (".h5", ".hdf5")


@dataclass(frozen=True)
class Detector:
    """A StarDist model, ready to use.

    Attributes
    ----------
    name
        As it was asked for.
    model
        The `stardist.models.StarDist2D`.
    channels
        1 for grey images, 3 for colour.
    folder
        Where its files are.
    """

    name: str
    model: Any
    channels: int
    folder: Path | None = None


def detector_names() -> list[str]:
    """Names that `load_detector` knows: the packaged model first, then StarDist's own."""
    return [PACKAGED, *PRETRAINED]


def load_detector(name_or_folder: str | Path = PACKAGED) -> Detector:
    """Load a model; the first time it takes seconds, as TensorFlow is imported.

    It may run in any thread. TensorFlow is kept off the GPU, which is torch's.

    Parameters
    ----------
    name_or_folder
        The packaged model, a pretrained one of StarDist (fetched once, which needs network), or
        the folder of a trained one, with ``config.json`` and weights (``.h5``).

    Raises
    ------
    DGNOError
        If StarDist is not installed, there is no such model, it cannot be fetched or is damaged.
    """
    import_stardist()
    name = str(name_or_folder)
    folder: Path | None = FOLDER / PACKAGED if name == PACKAGED else None
    if folder is None and len(Path(name).parts) == 1:
        folder = pretrained_folder(name)
    if folder is None:
        folder = Path(name_or_folder).expanduser()
        if not folder.is_dir():
            raise DGNOError(
                f"There is no StarDist model {name!r}{did_you_mean(name, detector_names())}; give "
                f"one of {', '.join(detector_names())} or the folder of a trained model."
            )
    return _load(name, folder)


def _load(name: str, folder: Path) -> Detector:
    """Load the model in a folder."""
    _check(folder)
    models = import_stardist()
    try:
        with suppress_output():
            place = folder.resolve()
            model = models.StarDist2D(None, name=place.name, basedir=str(place.parent))
    except Exception as error:  # keras and h5py raise anything
        raise DGNOError(
            f"The StarDist model in {folder} cannot be loaded ({_short(error)}); its files do not "
            "belong together or are damaged, so copy the folder again."
        ) from error
    channels = int(model.config.n_channel_in)
    if channels not in (1, 3):
        raise DGNOError(
            f"The StarDist model in {folder} takes images of {channels} channels; choose one for "
            "grey or colour images."
        )
    return Detector(name, model, channels, folder)


def _check(folder: Path) -> None:
    """Complain about a folder that holds no trained 2D model, before anything heavy is done."""
    path = folder / "config.json"
    if not path.is_file():
        raise DGNOError(
            f"The folder {folder} holds no StarDist model: choose the one with config.json and "
            "the weights (.h5) in it."
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        dimensions, axes = config.get("n_dim"), str(config.get("axes", ""))
    except (ValueError, AttributeError) as error:
        raise DGNOError(f"{path} is damaged ({_short(error)}); copy the model again.") from error
    if dimensions != 2 or "Z" in axes:
        raise DGNOError(
            f"{path} is not that of a StarDist model for planes (2D); choose another folder."
        )
    if not any(file.suffix in WEIGHTS for file in folder.iterdir()):
        raise DGNOError(
            f"The folder {folder} holds the settings of a StarDist model but no weights (.h5); "
            "copy them too, or train it first."
        )


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


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
