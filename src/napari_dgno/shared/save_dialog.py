"""Where to save something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

#: Endings by what a dialog calls the kind of file; the first one is added where none was typed.
Kinds = Mapping[str, tuple[str, ...]]
TABLES: Kinds = {"Tables (*.csv)": (".csv",)}
IMAGES: Kinds = {
    "OME-TIFF (*.ome.tif)": (".ome.tif", ".ome.tiff", ".tif", ".tiff"),
    "OME-Zarr (*.ome.zarr)": (".ome.zarr", ".zarr"),
}


def ask_path(parent: QWidget, title: str, suggestion: str, kinds: Kinds) -> Path | None:
    """Ask for a file name, which ends as files of the chosen kind do, whatever the user types.

    Parameters
    ----------
    parent : QWidget
        Over which the dialog opens.
    title : str
        What it says.
    suggestion : str
        The name that it begins with, without an ending.
    kinds : mapping
        The kinds of files to choose from.

    Returns
    -------
    pathlib.Path or None
        None if the user thinks better of it. A file of this name is to be replaced: the user was
        asked.
    """
    dialog = QFileDialog(parent, title, "", ";;".join(kinds))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    # Qt would ask about the name as it was typed, without the ending that it gets.
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.selectFile(re.sub(r'[\\/:*?"<>|]', "_", suggestion))
    while dialog.exec():
        path = with_ending(Path(dialog.selectedFiles()[0]), dialog.selectedNameFilter(), kinds)
        if not path.exists() or _may_replace(parent, title, path):
            return path
        dialog.selectFile(path.name)
    return None


def with_ending(path: Path, kind: str, kinds: Kinds) -> Path:
    """Give a path the ending of its kind, in the place of that of another kind."""
    name = path.name
    if name.lower().endswith(kinds[kind]):
        return path
    known = sorted({ending for endings in kinds.values() for ending in endings}, key=len)
    for ending in reversed(known):  # the longest first
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    return path.with_name(name + kinds[kind][0])


def _may_replace(parent: QWidget, title: str, path: Path) -> bool:
    answer = QMessageBox.question(
        parent, title, f"{path.name} exists already in {path.parent}. Replace it?"
    )
    return bool(answer == QMessageBox.StandardButton.Yes)
