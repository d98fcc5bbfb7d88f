"""Legends in the panel: what the colours of the layers on show mean, in words and units."""

from __future__ import annotations

import contextlib
import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_dgno.shared.progress import wrapped_label

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_dgno.shared.analysis_overlay import Legend

STOPS = 33


def number(value: float) -> str:
    """Write a number as a person would: three digits, and no tail of zeros."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e4 else f"{value:.1e}"


class ColourStrip(QWidget):
    """A strip that runs through colours from low to high, on grey where they are transparent."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(14)
        self._colours = np.zeros((2, 4))

    def set_colours(self, colours: np.ndarray) -> None:
        """Show colours ``(N, 4)``, 0 to 1."""
        self._colours = np.asarray(colours, dtype=float)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the strip."""
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for at, colour in zip(
            np.linspace(0, 1, len(self._colours)), self._colours.clip(0, 1), strict=True
        ):
            gradient.setColorAt(float(at), QColor.fromRgbF(*map(float, colour)))
        painter = QPainter(self)
        area = QRectF(self.rect())
        painter.fillRect(area, QColor("#808080"))
        painter.fillRect(area, gradient)
        painter.end()


class EndWords(QWidget):
    """What the two ends of a strip mean, below its numbers."""

    def __init__(self, low: str, high: str) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for text, side in ((low, Qt.AlignmentFlag.AlignLeft), (high, Qt.AlignmentFlag.AlignRight)):
            label = wrapped_label()
            label.setText(f"<b>{escape(text)}</b>")
            label.setAlignment(side)
            row.addWidget(label, 1)


class LegendView(QWidget):
    """The legend of one layer; follows its colours and contrast limits.

    Parameters
    ----------
    layer : napari.layers.Layer
        What the legend is of.
    legend : Legend
        What its colours mean.
    """

    def __init__(self, layer: Layer, legend: Legend) -> None:
        super().__init__()
        self.layer = layer
        self.legend = legend
        self.title = wrapped_label()
        unit = f" ({escape(legend.unit)})" if legend.unit else ""
        self.title.setText(f"<b>{escape(legend.title)}</b>{unit}")
        self.strip = ColourStrip()
        self.low, self.middle, self.high = QLabel(), QLabel(), QLabel()
        self.words = EndWords(*legend.words)
        self._worded: tuple[float, ...] | None = None
        self.meaning = wrapped_label()
        self.meaning.setTextFormat(Qt.TextFormat.PlainText)
        self.meaning.setText(legend.meaning)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.setSpacing(3)
        layout.addWidget(self.title)
        if legend.kinds:
            self._add_kinds(layout)
        else:
            layout.addWidget(self.strip)
            ends = QHBoxLayout()
            self.high.setAlignment(Qt.AlignmentFlag.AlignRight)
            self.middle.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            for label in (self.low, self.middle, self.high):
                ends.addWidget(label, 1)
            layout.addLayout(ends)
            layout.addWidget(self.words)
        layout.addWidget(self.meaning)
        self._watch(True)
        self.show_colours()

    def _add_kinds(self, layout: QVBoxLayout) -> None:
        for colour, words in self.legend.kinds:
            row = QHBoxLayout()
            patch = QLabel()
            patch.setFixedSize(14, 14)
            patch.setStyleSheet(f"background: {colour};")
            label = wrapped_label()
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setText(words)
            row.addWidget(patch)
            row.addWidget(label, 1)
            layout.addLayout(row)

    def show_colours(self, event: Any = None) -> None:
        """Show the colours and limits that the layer has now."""
        if not isalive(self) or self.legend.kinds:
            return
        limits, colours = self.legend.limits, self.legend.colours
        if limits is None:
            limits = tuple(self.layer.contrast_limits)
        if colours is None:
            colours = np.array(self.layer.colormap.map(np.linspace(0, 1, STOPS)))
        low, high = (float(limit) for limit in limits)
        self.strip.set_colours(colours)
        self.low.setText(number(low))
        self.high.setText(number(high))
        self.middle.setText("0" if low < 0 < high and math.isclose(-low, high) else "")
        if self._worded is None:
            self._worded = low, high
        self.words.setVisible(any(self.legend.words) and self._worded == (low, high))

    def _watch(self, watched: bool) -> None:
        for name in ("contrast_limits", "colormap"):
            emitter = getattr(self.layer.events, name, None)
            if emitter is not None and self.legend.limits is None and not self.legend.kinds:
                (emitter.connect if watched else emitter.disconnect)(self.show_colours)

    def release(self) -> None:
        """Listen to the layer no longer."""
        with contextlib.suppress(ValueError, RuntimeError):
            self._watch(False)


class Legends(QWidget):
    """The legends of the layers that are on show; each goes when its layer goes.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Where the layers are.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._views: list[LegendView] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        viewer.layers.events.removed.connect(self._on_removed)
        self.hide()

    def add(self, layer: Layer, legend: Legend) -> None:
        """Show what the colours of a layer mean, above the older ones."""
        view = LegendView(layer, legend)
        self._views.insert(0, view)
        self._layout.insertWidget(0, view)
        layer.events.visible.connect(self._show_visible)
        self._show_visible()

    def shown(self) -> list[LegendView]:
        """Return the legends on show, from the top."""
        return [view for view in self._views if view.layer.visible]

    def _show_visible(self, event: Any = None) -> None:
        if not isalive(self):
            return
        for view in self._views:
            view.setVisible(bool(view.layer.visible))
        self.setVisible(bool(self.shown()))

    def _on_removed(self, event: Any) -> None:
        for view in [view for view in self._views if view.layer is event.value]:
            self._drop(view)
        self._show_visible()

    def _drop(self, view: LegendView) -> None:
        self._views.remove(view)
        view.release()
        view.layer.events.visible.disconnect(self._show_visible)
        self._layout.removeWidget(view)
        view.hide()  # it is deleted later
        view.deleteLater()

    def disconnect_viewer(self) -> None:
        """Listen to the viewer and its layers no longer."""
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        for view in list(self._views):
            self._drop(view)
