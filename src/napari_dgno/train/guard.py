"""Asks before napari is closed while something trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMainWindow, QMessageBox, QWidget

from napari_dgno.shared.docking import main_window

if TYPE_CHECKING:
    from dgno_core.training.runs.run import Run

NAME = "napari-dgno-training-guard"


class CloseGuard(QObject):
    """Watches a napari window; outlives the panel, as the training does.

    Parameters
    ----------
    window : QMainWindow
        The window.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self.setObjectName(NAME)
        self._window = window
        self._runs: dict[str, Run] = {}
        window.installEventFilter(self)

    @classmethod
    def around(cls, widget: QWidget) -> CloseGuard | None:
        """Return the guard of the window that a widget is docked in; there is one at most."""
        window = main_window(widget)
        return None if window is None else window.findChild(cls, NAME) or cls(window)

    def watch(self, run: Run) -> None:
        """Ask before closing while this run trains."""
        self._runs[str(run.folder)] = run

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Keep the window open if the user wants that."""
        if event is None or event.type() != QEvent.Type.Close or self._is_torn_down():
            return False
        training = [run for run in self._runs.values() if run.is_alive()]
        if not training or self._may_close(training):
            return False
        event.ignore()
        return True

    def _is_torn_down(self) -> bool:
        """Whether a script has closed the viewer: there is no way back, so nothing to ask."""
        from napari.qt import QtViewer

        viewer = self._window.findChild(QtViewer)
        return viewer is None or viewer.isHidden()

    def _may_close(self, training: list[Run]) -> bool:
        names = " and ".join(run.name for run in training)
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Training is going on")
        box.setText(f"{names} is still training." if len(training) == 1 else f"{names} train.")
        box.setInformativeText(
            "It can go on without napari: open the Train panel again to see how it stands. If you "
            "stop it, it can be resumed later."
        )
        go_on = box.addButton("Keep training in the background", QMessageBox.ButtonRole.AcceptRole)
        stop = box.addButton("Stop training", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(go_on)
        box.setEscapeButton(cancel)
        box.exec()
        clicked = box.clickedButton()
        if clicked is stop:
            for run in training:
                run.ask_to_stop()
        return clicked in (go_on, stop)
