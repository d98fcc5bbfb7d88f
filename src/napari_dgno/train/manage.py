"""Renames and deletes runs, after a question; the model that was made of a run goes with it.

Telling whether a model was made of a run reads both files, and renaming writes the weights anew:
the worker does that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qtpy.QtWidgets import QCheckBox, QInputDialog, QMessageBox, QWidget

from dgno_core.errors import DGNOError
from napari_dgno._train_run import Run
from napari_dgno._train_setup import slug
from napari_dgno.train.models import copy_model, kept_model


@dataclass(frozen=True)
class ModelFound:
    """The model that was made of a run is known; None if there is none."""

    run: Run
    model: Path | None


@dataclass(frozen=True)
class Renamed:
    """A run has another name, and another folder."""

    run: Run
    renamed: Run


def finding_model(run: Run) -> Iterator[ModelFound]:
    """Look for the model that was made of a run."""
    yield ModelFound(run, kept_model(run))


def renaming(run: Run, name: str, model_folder: Path | None) -> Iterator[Renamed]:
    """Give a run and its model another name; see `rename`."""
    yield Renamed(run, rename(run, name, model_folder))


def ask_name(parent: QWidget, run: Run) -> str | None:
    """Ask for another name of a run; None if it is to keep its own."""
    text, accepted = QInputDialog.getText(
        parent, "Rename a run", f"New name of {run.name} and its model:", text=run.name
    )
    name = slug(text)
    return name if accepted and name and name != run.name else None


def ask_delete(parent: QWidget, run: Run, model: Path | None) -> tuple[bool, bool]:
    """Ask whether to delete a run; return whether to do so, and whether `model` goes too."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("Delete a run")
    box.setText(f"Delete the run {run.name}?")
    box.setInformativeText(
        f"Its curves, pictures, checkpoints and copies of layers in {run.folder} are deleted for "
        "good; it cannot be resumed any more. Your own images stay."
    )
    model_box = QCheckBox("Delete its model from the list of models, too")
    model_box.setToolTip("Otherwise you can go on restoring with it.")
    if model is not None:
        box.setCheckBox(model_box)
    delete = box.addButton("Delete", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.exec()
    return box.clickedButton() is delete, model_box.isChecked()


def rename(run: Run, name: str, model_folder: Path | None) -> Run:
    """Give a run and its model another name, both or none of them.

    Parameters
    ----------
    run : Run
        A run that does not go on.
    name : str
        The new name.
    model_folder : pathlib.Path or None
        The user's models, among which the name must be free.

    Returns
    -------
    Run
        The run in its new folder.

    Raises
    ------
    DGNOError
        If the name is taken or unusable, the run goes on, or files cannot be written; then nothing
        has changed.
    """
    from dgno_core.models import weights_names
    from dgno_core.training.runs import renaming_run

    if name in weights_names(model_folder):
        raise DGNOError(f"There is a model called {name} already: choose another name.")
    old_model = kept_model(run)
    with renaming_run(run.folder, name) as folder:
        renamed = Run(folder)
        if old_model is not None:
            _replace_model(old_model, renamed)
    return renamed


def _replace_model(old: Path, run: Run) -> None:
    """Put the model of a run in the place of one with an older name, or leave that alone."""
    from dgno_core.io.atomic import discard, writing

    model = copy_model(run)
    try:
        with writing(old):
            old.unlink(missing_ok=True)
    except BaseException:
        if model is not None:
            discard(model)
        raise


def delete(run: Run, model: Path | None) -> None:
    """Delete a run, and the model that was made of it if one is given.

    Raises
    ------
    DGNOError
        If the run goes on, or its folder holds files that no training has written.
    """
    from dgno_core.training.runs import delete_run

    delete_run(run.folder)
    if model is not None:
        model.unlink(missing_ok=True)
