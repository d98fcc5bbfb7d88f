"""Takes back a new run that was refused before its first step, so that its name is free again.

Only files that the panel or the engine has written are ever deleted.
"""

from __future__ import annotations

import re
from pathlib import Path

from napari_dgno._train_run import CONFIG, ERRORS, LAUNCH, Run, State

#: What a process leaves when it ends before its first step.
LEFT = frozenset({ERRORS, LAUNCH, "config.json", "log.jsonl", "log.csv", "stop"})


def files_in(folder: Path) -> frozenset[str]:
    """Files in a folder and below, relative to it."""
    return frozenset(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()
    )


def withdraw(run: Run) -> str:
    """Delete a run that was started here and refused; return why it was, or nothing.

    A run stays when it has done a step, when it has ended in any other way, or when there is
    anything in its folder that nobody knows.

    Parameters
    ----------
    run : Run
        A run whose process has ended, its log read to the end.
    """
    from dgno_core.io.atomic import discard

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
    return without_folder(sentence, run.folder)


def without_folder(sentence: str, folder: Path) -> str:
    """Name the copies of layers without the folder in which they are no more."""
    return re.sub(re.escape(str(folder)) + r"[/\\](data[/\\](\w+[/\\])?)?", "", sentence)
