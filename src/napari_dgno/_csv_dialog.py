"""Where to save a table."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

SUFFIX = ".csv"


def ask_csv_path(parent: QWidget, title: str, suggestion: str) -> Path | None:
    """Ask for a file name, which ends with ``.csv`` whatever the user types.

    Parameters
    ----------
    parent : QWidget
        Over which the dialog opens.
    title : str
        What it says.
    suggestion : str
        The name that it begins with.

    Returns
    -------
    pathlib.Path or None
        None if the user thinks better of it, also of replacing a file that exists.
    """
    dialog = QFileDialog(parent, title, "", f"Tables (*{SUFFIX})")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(SUFFIX)
    dialog.selectFile(suggestion)
    while dialog.exec():
        path = Path(dialog.selectedFiles()[0])
        if path.suffix.lower() == SUFFIX:
            return path
        # Qt takes the end of "plate.A01" for a suffix, and adds none.
        path = path.with_name(path.name + SUFFIX)
        if not path.exists():
            return path
        dialog.selectFile(path.name)  # the dialog asks whether to replace it
    return None
