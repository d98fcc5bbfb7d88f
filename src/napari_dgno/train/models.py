"""Makes a trained model one of the user's own, so that every panel offers it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dgno_core.training.runs.manage import copy_model
from dgno_core.training.runs.run import Run
from napari_dgno.shared.panel import Panel
from napari_dgno.shared.settings import preference_model, read_preferences

if TYPE_CHECKING:
    from napari.viewer import Viewer


def keep_model(run: Run) -> Path | None:
    """Copy the best weights of a run into the user's model folder, as `copy_model` does.

    If the preferences name no such folder, the one beside the run is entered there.
    """
    path, preferences = copy_model(run, read_preferences().model_folder), preference_model()
    if path is not None and preferences is not None and not preferences.model_folder.strip():
        preferences.model_folder = str(path.parent)
    return path


def offer_everywhere(viewer: Viewer, folder: Path) -> None:
    """Let all panels of a viewer list the models of a folder anew."""
    from napari_dgno.shared.model_chooser import ModelChooser

    for panel in viewer.window.dock_widgets.values():
        if isinstance(panel, Panel):
            for chooser in panel.findChildren(ModelChooser):
                chooser.set_folder(folder)
