"""Makes a trained model one of the user's own, so that every panel offers it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from napari_dgno._train_run import Run
from napari_dgno.shared.panel import Panel
from napari_dgno.shared.settings import preference_model, read_preferences

if TYPE_CHECKING:
    from napari.viewer import Viewer

#: In the folder of runs, where the user has no folder of models yet.
MODELS = "models"


def keep_model(run: Run) -> Path | None:
    """Copy the best weights of a run into the user's model folder, as `copy_model` does.

    If the preferences name no such folder, the one beside the run is entered there.
    """
    path, preferences = copy_model(run), preference_model()
    if path is not None and preferences is not None and not preferences.model_folder.strip():
        preferences.model_folder = str(path.parent)
    return path


def copy_model(run: Run) -> Path | None:
    """Copy the best weights of a run into the user's model folder; any thread may do so.

    If the preferences name no such folder, it is made beside the run.

    Returns
    -------
    pathlib.Path or None
        The copy; None if the run has no weights yet.

    Raises
    ------
    DGNOError
        If it cannot be written.
    """
    from dgno_core.io.atomic import begin, discard, publish, writing

    weights = run.weights()
    if weights is None:
        return None
    path = _place(run)
    folder = path.parent
    if not _is_current(path, weights):
        part = begin(path)
        with writing(path):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy2(weights, part)
                publish(part, path)
            finally:
                discard(part)
    return path


def kept_model(run: Run) -> Path | None:
    """Return the copy in the user's model folder, if there is one and it holds this run's weights.

    A model of the same name that came from elsewhere is none.
    """
    from dgno_core.models.card import weights_hash

    weights, path = run.weights(), _place(run)
    if weights is None or not path.is_file():
        return None
    return path if weights_hash(path) == weights_hash(weights) else None


def _place(run: Run) -> Path:
    folder = read_preferences().model_folder or run.folder.parent / MODELS
    return folder / f"{run.name}.safetensors"


def _is_current(copy: Path, weights: Path) -> bool:
    try:
        one, other = copy.stat(), weights.stat()
    except OSError:
        return False
    return one.st_size == other.st_size and one.st_mtime >= other.st_mtime


def offer_everywhere(viewer: Viewer, folder: Path) -> None:
    """Let all panels of a viewer list the models of a folder anew."""
    from napari_dgno.shared.model_chooser import ModelChooser

    for panel in viewer.window.dock_widgets.values():
        if isinstance(panel, Panel):
            for chooser in panel.findChildren(ModelChooser):
                chooser.set_folder(folder)
