"""Answers the dialog that asks where to save."""

from __future__ import annotations

from typing import Any

import pytest


def press_save(
    monkeypatch: pytest.MonkeyPatch, *names: str, kind: str = "", replace: bool = True
) -> list[str]:
    """Let the dialog be answered with these names, one after the other; "" is Cancel.

    The kind whose filter has `kind` in it is chosen. What is asked about files that exist is
    answered with `replace`, and collected in the list.
    """
    from qtpy.QtWidgets import QFileDialog, QMessageBox

    answers = iter(names)
    asked: list[str] = []

    def execute(dialog: Any) -> int:
        name = next(answers)
        if not name:
            return 0
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
        dialog.selectNameFilter(next(f for f in dialog.nameFilters() if kind in f))
        dialog.selectFile(name)
        dialog.accept()
        return int(dialog.result())

    def question(*words: Any) -> Any:
        asked.append(words[2])
        buttons = QMessageBox.StandardButton
        return buttons.Yes if replace else buttons.No

    monkeypatch.setattr(QFileDialog, "exec", execute)
    monkeypatch.setattr(QMessageBox, "question", question)
    return asked
