"""Renames and deletes runs, after a question; the model that was made of a run goes with it."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QCheckBox, QInputDialog, QMessageBox, QWidget

from dgno_core.errors import DGNOError
from napari_dgno._train_models import keep_model, kept_model
from napari_dgno._train_run import Run
from napari_dgno._train_setup import slug


def ask_name(parent: QWidget, run: Run) -> str | None:
    """Ask for another name of a run; None if it is to keep its own."""
    text, accepted = QInputDialog.getText(
        parent, "Rename a run", f"New name of {run.name} and its model:", text=run.name
    )
    name = slug(text)
    return name if accepted and name and name != run.name else None


def ask_delete(parent: QWidget, run: Run) -> tuple[bool, bool]:
    """Ask whether to delete a run; return whether to do so, and whether its model goes too."""
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
    if kept_model(run) is not None:
        box.setCheckBox(model_box)
    delete = box.addButton("Delete", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.exec()
    return box.clickedButton() is delete, model_box.isChecked()


def rename(run: Run, name: str, model_folder: Path | None) -> Run:
    """Give a run and its model another name.

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
        If the name is taken or unusable, the run goes on, or files cannot be written.
    """
    from dgno_core.models import weights_names
    from dgno_core.training.runs import rename_run

    if name in weights_names(model_folder):
        raise DGNOError(f"There is a model called {name} already: choose another name.")
    old_model = kept_model(run)
    renamed = Run(rename_run(run.folder, name))
    if old_model is not None:
        keep_model(renamed)
        old_model.unlink(missing_ok=True)
    return renamed


def delete(run: Run, *, with_model: bool) -> None:
    """Delete a run, and if wanted the model that was made of it.

    Raises
    ------
    DGNOError
        If the run goes on, or its folder holds files that no training has written.
    """
    from dgno_core.training.runs import delete_run

    model = kept_model(run) if with_model else None
    delete_run(run.folder)
    if model is not None:
        model.unlink(missing_ok=True)
