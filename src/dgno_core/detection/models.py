"""StarDist models: the packaged one, the authors' pretrained ones, and any folder with one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgno_core.detection.config import PACKAGED
from dgno_core.detection.pretrained import pretrained_folder
from dgno_core.detection.stardist_library import import_stardist, suppress_output, why_unavailable
from dgno_core.errors import DGNOError
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
