"""What is done with a run at rest: keeping its model, renaming, deleting, discarding a failed one.

Only files that training, or whoever has prepared the run, has written are ever deleted.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import discard, replacing, writing
from dgno_core.training.runs.files import (
    CONFIG,
    ERRORS,
    LAUNCH,
    LOG,
    RESOLVED,
    STOP,
    TABLE,
    files_in,
)
from dgno_core.training.runs.folder import delete_run, renaming_run
from dgno_core.training.runs.run import Run, State

#: In the folder of runs, where the user has no folder of models yet.
MODELS = "models"
#: What a process leaves when it ends before its first step.
LEFT = frozenset({ERRORS, LAUNCH, RESOLVED, LOG, TABLE, STOP})


def discard_failed_run(run: Run) -> str:
    """Delete a run that was started here and refused; return why it was, or nothing.

    A run stays when it has done a step, when it has ended in any other way, or when there is
    anything in its folder that nobody knows.

    Parameters
    ----------
    run : Run
        A run whose process has ended, its log read to the end.
    """
    if run.written is None or run.record.losses or run.state() is not State.FAILED:
        return ""
    sentence = run.refusal()
    if not sentence or not files_in(run.folder) <= run.written | LEFT:
        return ""
    # The config goes first: without it, what a locked file may leave is no run any more.
    try:
        (run.folder / CONFIG).unlink(missing_ok=True)
    except OSError:
        return ""
    discard(run.folder)
    return _without_folder(sentence, run.folder)


def _without_folder(sentence: str, folder: Path) -> str:
    """Name the copies of images without the folder in which they are no more."""
    return re.sub(re.escape(str(folder)) + r"[/\\](data[/\\](\w+[/\\])?)?", "", sentence)


def copy_model(run: Run, model_folder: Path | None) -> Path | None:
    """Copy the best weights of a run into the user's model folder.

    Parameters
    ----------
    run : Run
        The run.
    model_folder : pathlib.Path or None
        The user's models; if there is none, one is made beside the run.

    Returns
    -------
    pathlib.Path or None
        The copy; None if the run has no weights yet.

    Raises
    ------
    DGNOError
        If it cannot be written.
    """
    weights = run.weights()
    if weights is None:
        return None
    path = _model_path(run, model_folder)
    if not _is_current(path, weights):
        with replacing(path) as part:
            part.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(weights, part)
    return path


def kept_model(run: Run, model_folder: Path | None) -> Path | None:
    """Return the copy in the user's model folder, if there is one and it holds this run's weights.

    A model of the same name that came from elsewhere is none.
    """
    from dgno_core.models.card import weights_hash

    weights, path = run.weights(), _model_path(run, model_folder)
    if weights is None or not path.is_file():
        return None
    return path if weights_hash(path) == weights_hash(weights) else None


def rename_with_model(run: Run, name: str, model_folder: Path | None) -> Run:
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

    if name in weights_names(model_folder):
        raise DGNOError(f"There is a model called {name} already: choose another name.")
    old_model = kept_model(run, model_folder)
    with renaming_run(run.folder, name) as folder:
        renamed = Run(folder)
        if old_model is not None:
            _replace_model(old_model, renamed, model_folder)
    return renamed


def delete_with_model(run: Run, model: Path | None) -> None:
    """Delete a run, and the model that was made of it if one is given.

    Raises
    ------
    DGNOError
        If the run goes on, or its folder holds files that no training has written.
    """
    delete_run(run.folder)
    if model is not None:
        model.unlink(missing_ok=True)


def _replace_model(old: Path, run: Run, model_folder: Path | None) -> None:
    """Put the model of a run in the place of one with an older name, or leave that alone."""
    model = copy_model(run, model_folder)
    try:
        with writing(old):
            old.unlink(missing_ok=True)
    except BaseException:
        if model is not None:
            discard(model)
        raise


def _model_path(run: Run, model_folder: Path | None) -> Path:
    return (model_folder or run.folder.parent / MODELS) / f"{run.name}.safetensors"


def _is_current(copy: Path, weights: Path) -> bool:
    try:
        one, other = copy.stat(), weights.stat()
    except OSError:
        return False
    return one.st_size == other.st_size and one.st_mtime >= other.st_mtime
