"""Renames and deletes runs, after a question; the model that was made of a run goes with it.

Telling whether a model was made of a run reads both files, and renaming writes the weights anew:
the worker does that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qtpy.QtWidgets import QCheckBox, QInputDialog, QMessageBox, QWidget

from dgno_core.training.runs.manage import kept_model, rename_with_model
from dgno_core.training.runs.request import slug
from dgno_core.training.runs.run import Run


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


def finding_model(run: Run, model_folder: Path | None) -> Iterator[ModelFound]:
    """Look for the model that was made of a run."""
    yield ModelFound(run, kept_model(run, model_folder))


def renaming(run: Run, name: str, model_folder: Path | None) -> Iterator[Renamed]:
    """Give a run and its model another name; see `rename_with_model`."""
    yield Renamed(run, rename_with_model(run, name, model_folder))


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
