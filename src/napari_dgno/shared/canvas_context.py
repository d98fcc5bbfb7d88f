"""Keeps napari from crashing when it draws after layers were removed while Qt painted other things.

When a layer is removed, napari (0.9) deletes its textures and buffers at once, in whatever OpenGL
context is current. After any widget was painted that is the one with which Qt puts the window
together, not the one of the canvas; there the buffers stay attached, and the next drawing reads
freed memory. A progress bar is enough for that, and these panels have two. So the context of the
canvas is made current before layers go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QMainWindow, QWidget

from napari_dgno.shared.docking import main_window

if TYPE_CHECKING:
    from napari.qt import QtViewer

NAME = "napari-dgno-canvas-context"


class CanvasContext(QObject):
    """Makes the canvas' context current before a layer is removed; outlives the panels.

    Parameters
    ----------
    window : QMainWindow
        A napari window.
    viewer : napari.qt.QtViewer
        What it shows.
    """

    def __init__(self, window: QMainWindow, viewer: QtViewer) -> None:
        super().__init__(window)
        self.setObjectName(NAME)
        self._canvas = viewer.canvas.native
        viewer.viewer.layers.events.removing.connect(self._make_current)

    @classmethod
    def keep(cls, widget: QWidget) -> None:
        """Look after the window that a widget is docked in, once."""
        from napari.qt import QtViewer

        window = main_window(widget)
        if window is None or window.findChild(cls, NAME) is not None:
            return
        viewer = window.findChild(QtViewer)
        if viewer is not None:
            cls(window, viewer)

    def _make_current(self, event: object = None) -> None:
        canvas = self._canvas
        if isalive(canvas) and canvas.isValid():
            canvas.makeCurrent()
