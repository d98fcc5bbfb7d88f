"""Weights files: those in the package, in the user's model folder, and those that were fetched."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dgno_core.errors import DGNOError
from dgno_core.models.architectures import ARCHITECTURES
from dgno_core.models.card import ModelCard, read_card_file
from dgno_core.models.header import SUFFIX, not_weights
from dgno_core.models.release import releases
from dgno_core.wording import did_you_mean

PACKAGED = Path(__file__).parents[1] / "weights"
CHECKPOINTS = (".pth", ".pt", ".ckpt")
VARIABLE = "DGNO_MODEL_CACHE"


def weights_names(folder: Path | None = None, *, fetched: bool = True) -> list[str]:
    """Names of the packaged weights, those in the user's model folder, and the fetched ones.

    Parameters
    ----------
    folder : Path, optional
        The user's model folder.
    fetched : bool
        Whether fetched weights count.

    Returns
    -------
    list of str
    """
    folders = (PACKAGED, folder, model_cache() if fetched else None)
    found = [
        path.stem for place in filter(None, folders) for path in sorted(place.glob(f"*{SUFFIX}"))
    ]
    return list(dict.fromkeys(found))


def find_weights(name_or_path: str | Path, folder: Path | None = None) -> Path:
    """File of a name or path; first the user's folder, then packaged weights, then fetched ones.

    Parameters
    ----------
    name_or_path : str or Path
        Name as `weights_names` lists it, or a path to a safetensors file.
    folder : Path, optional
        The user's model folder.

    Returns
    -------
    Path

    Raises
    ------
    DGNOError
        If there is no such file.
    """
    path = Path(name_or_path)
    if path.suffix in CHECKPOINTS:
        raise DGNOError(
            f"{path} is a PyTorch checkpoint; convert it first: "
            f"dgno convert {path} -o {path.with_suffix(SUFFIX).name}"
        )
    # A bare name never means a file of that name in the current folder.
    if path.suffix == SUFFIX or len(path.parts) > 1:
        if not path.is_file():
            raise DGNOError(f"There is no model file {path}.")
        return path
    for place in filter(None, (folder, PACKAGED, model_cache())):
        candidate = place / f"{name_or_path}{SUFFIX}"
        if candidate.is_file():
            return candidate
    known = ", ".join(weights_names(folder)) or "none"
    if name_or_path in ARCHITECTURES:
        raise DGNOError(
            f"{name_or_path} is a network without trained weights here; there are weights for: "
            f"{known}. Give one of these names or the path of a .safetensors file"
            f"{_offer(str(name_or_path))}."
        )
    if path.is_file():
        raise DGNOError(not_weights(path))
    hint = did_you_mean(name_or_path, weights_names(folder))
    raise DGNOError(
        f"There are no weights called {str(name_or_path)!r}{hint}; known are: {known}. "
        "Give one of these names or the path of a .safetensors file."
    )


def _offer(name: str) -> str:
    """Tell how to fetch weights, if they are offered."""
    return f", or fetch them: dgno models --fetch {name}" if name in releases() else ""


def default_weights(colour: bool) -> str:
    """Name of the packaged weights that "auto" stands for.

    Parameters
    ----------
    colour : bool
        Whether the image is RGB.

    Returns
    -------
    str
    """
    return "dgno-cell-small-colour" if colour else "dgno-cell-small"


def read_card(
    name_or_path: str | Path, folder: Path | None = None, *, verify: bool = True
) -> ModelCard:
    """Card of packaged weights, of a file in the model folder, or of a path.

    Parameters
    ----------
    name_or_path : str or Path
        Name as `weights_names` lists it, or a path.
    folder : Path, optional
        The user's model folder.
    verify : bool
        Whether to hash the weights, which reads the whole file; see `read_card_file`.

    Returns
    -------
    ModelCard

    Raises
    ------
    DGNOError
        If there are no such weights or they cannot be read.
    """
    return read_card_file(find_weights(name_or_path, folder), verify=verify)


def model_cache() -> Path:
    """Folder of fetched weights; it need not be there.

    Returns
    -------
    Path
        What the environment variable ``DGNO_MODEL_CACHE`` says, or ``napari-dgno/models`` in the
        user's cache folder of this operating system.
    """
    if own := os.environ.get(VARIABLE):
        return Path(own).expanduser()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else _home() / "AppData" / "Local") / "napari-dgno" / "models"
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / "napari-dgno" / "models"
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # Relative paths there must be ignored, as the XDG specification says.
    place = Path(shared) if os.path.isabs(shared) else _home() / ".cache"
    return place / "napari-dgno" / "models"


def _home() -> Path:
    """The user's home; where there is none, a folder that holds nothing."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep) / "nonexistent"
