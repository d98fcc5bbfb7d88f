"""The control that compares an image before and after: a line to move, and a button to hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSlider, QWidget

from dgno_core.errors import DGNOError
from napari_dgno.shared import tooltips
from napari_dgno.shared.aside import Aside
from napari_dgno.shared.curtain import Curtain, end_comparison

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image

_STEPS = 1000


class CompareBar(QWidget):
    """Compares two layers of a viewer: *Compare*, the place of the line, and *Hold: before*.

    Nothing is compared before `set_layers`, and the layers are as they were as soon as *Compare*
    is off.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Holds the layers.
    parent : QWidget, optional
        Qt parent.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layers: tuple[Image, Image] | None = None
        self._curtain: Curtain | None = None
        self._held: Aside | None = None
        self.button = QPushButton("Compare")
        self.button.setCheckable(True)
        self.button.setToolTip(tooltips.COMPARE)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setValue(_STEPS // 2)
        self.slider.setToolTip(tooltips.COMPARE_SLIDER)
        self.hold_button = QPushButton("Hold: before")
        self.hold_button.setToolTip(tooltips.COMPARE_HOLD)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.hold_button)
        self.button.toggled.connect(self._toggle)
        self.slider.valueChanged.connect(self._move)
        self.hold_button.pressed.connect(self._hold)
        self.hold_button.released.connect(self._release)
        viewer.layers.events.removed.connect(self._on_removed)
        self._enable()

    @property
    def is_comparing(self) -> bool:
        """Whether the line is over the image."""
        return self._curtain is not None and self._curtain.is_open

    def set_layers(self, before: Image | None, after: Image | None) -> None:
        """Choose what to compare; None ends a comparison."""
        wanted = None if before is None or after is None else (before, after)
        if wanted == self._layers:
            return
        self.stop()
        self._layers = wanted
        self._enable()

    def stop(self) -> None:
        """Put all layers back as they were."""
        self._release()
        if self._curtain is not None:
            self._curtain.close()

    def leave(self) -> None:
        """Stop as well, but while napari may be going through its layers, to remove some."""
        self._release()
        if self._curtain is not None:
            self._curtain.end()

    def shut_down(self) -> None:
        """Stop, and listen to the viewer no longer; safe to call twice."""
        self.set_layers(None, None)
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _toggle(self, on: bool) -> None:
        if not on and not self.is_comparing:
            return  # it has ended by itself
        if not on or self._layers is None:
            self.stop()
            return
        self.stop()  # what the last one left to do later
        try:
            self._curtain = Curtain(
                self._viewer,
                *self._layers,
                on_close=self._on_close,
                on_move=self._on_move,
                later=self._later,
            )
        except DGNOError as error:
            from napari.utils.notifications import show_warning

            self.button.setChecked(False)
            show_warning(str(error))
            return
        self._move()
        self._enable()

    def _move(self) -> None:
        if self._curtain is not None and self._curtain.is_open:
            self._curtain.move(self.slider.value() / _STEPS)

    def _on_move(self, position: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round(position * _STEPS))
        self.slider.blockSignals(False)

    def _hold(self) -> None:
        """Show what was before, as long as the button is down."""
        if self._curtain is not None and self._curtain.is_open:
            self._curtain.hold(True)
        elif self._layers is not None:
            end_comparison(self._viewer)  # another panel's
            self._held = Aside(self._viewer.layers, *self._layers)

    def _release(self) -> None:
        if self._curtain is not None and self._curtain.is_open:
            self._curtain.hold(False)
        if self._held is not None:
            self._held.restore()
            self._held = None

    def _later(self, task: Callable[[], None]) -> None:
        """Run a task as soon as napari has done what it is about."""
        QTimer.singleShot(0, lambda: task() if isalive(self) else None)

    def _on_close(self) -> None:
        if isalive(self):
            self.button.setChecked(False)
            self._enable()

    def _on_removed(self) -> None:
        if self._layers is not None and not all(x in self._viewer.layers for x in self._layers):
            self.leave()
            self._layers = None
            self._enable()

    def _enable(self) -> None:
        ready = self._layers is not None
        self.button.setEnabled(ready)
        self.hold_button.setEnabled(ready)
        self.slider.setEnabled(self.is_comparing)
