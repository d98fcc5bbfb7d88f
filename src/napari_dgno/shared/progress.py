"""The lower half of the panel: progress, time left, messages."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_dgno.shared import tooltips
from napari_dgno.shared.time_left import TimeLeft, in_words

if TYPE_CHECKING:
    from napari.components import ViewerModel


def wrapped_label() -> QLabel:
    """Make a label that breaks its lines and whose text can be copied."""
    label = QLabel()
    label.setWordWrap(True)
    label.setMinimumWidth(0)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def show_message(label: QLabel, html: str, kind: str, theme: str) -> None:
    """Show a message with a bar in the theme's colour; as a text colour it is illegible.

    Parameters
    ----------
    label : QLabel
        Where; it is hidden if there is nothing to say.
    html : str
        The message.
    kind : str
        ``"warning"`` or ``"error"``.
    theme : str
        Of the viewer.
    """
    from napari.utils.theme import get_theme

    colour = getattr(get_theme(theme), kind).as_hex(format="long")
    label.setStyleSheet(f"QLabel {{ border-left: 4px solid {colour}; padding: 4px; }}")
    label.setText(html)
    label.setVisible(bool(html))


def as_notes(notes: Iterable[str]) -> str:
    """Return notes in plain text as lines of HTML."""
    return "<br>".join(f"<b>Note:</b> {escape(note)}" for note in notes)


class RunDisplay(QWidget):
    """A progress bar with Cancel, one line of status, and the notes and errors of the last run.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its theme gives the colours of notes and errors.
    parent : QWidget, optional
        Qt parent.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._whole = TimeLeft()
        self._tiles = TimeLeft()
        self._planes = 1
        self._notes: list[str] = []
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip(tooltips.CANCEL)
        self.status = wrapped_label()
        self.messages = wrapped_label()
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.status)
        layout.addWidget(self.messages)
        self.finish("")

    def prepare(self, status: str, *, keep_notes: bool = False) -> None:
        """Show that something has begun whose length is not known yet."""
        self._whole = TimeLeft()
        self._tiles = TimeLeft()
        if not keep_notes:
            self._notes = []
        self._show(as_notes(self._notes), "warning")
        self.bar.setRange(0, 0)
        self.cancel_button.setEnabled(True)
        self.status.setText(status)
        self.status.show()

    def measure(self, done: int, total: int) -> None:
        """Show that the brightness of `done` of `total` planes has been measured."""
        self._tiles = TimeLeft()
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done if done < total else 0)
        self.status.setText(
            f"Measuring the brightness: plane {done} of {total}" if done < total else "Restoring …"
        )

    def write(self, done: int, total: int) -> None:
        """Show that `done` of `total` planes are in the file."""
        self._show_share([f"Saving: plane {done} of {total}"], done, total)

    def begin(self, planes: int, tiles: int) -> None:
        """Show that `tiles` tiles of `planes` planes are to be done."""
        self._tiles = TimeLeft()
        self._planes = planes
        self.bar.setRange(0, max(tiles, 1))
        self.bar.setValue(0)
        self.status.setText("Restoring …")

    def advance(self, done: int, total: int) -> None:
        """Show that `done` of `total` tiles are finished."""
        parts = []
        if self._planes > 1:
            plane = min(done * self._planes // max(total, 1) + 1, self._planes)
            parts = [f"Plane {plane} of {self._planes}"]
        self._show_share([*parts, f"{100 * done // max(total, 1)} %"], done, total)

    def _show_share(self, parts: list[str], done: int, total: int) -> None:
        """Show how much is done, and how long the rest takes as soon as one can say."""
        if self.bar.maximum() != total:
            self.bar.setRange(0, total)
        self.bar.setValue(done)
        seconds = self._tiles.seconds(done, total)
        if seconds is not None and done < total:
            parts = [*parts, f"about {in_words(seconds)} left"]
        self.status.setText(" · ".join(parts))

    def cancelling(self, piece: str) -> None:
        """Show that the run stops after the piece in work, such as a tile."""
        self.cancel_button.setEnabled(False)
        self.status.setText(f"Cancelling … the {piece} in work is finished first.")

    def finish(self, status: str, *, complete: bool = False) -> None:
        """Show that nothing runs any more; notes stay."""
        self.bar.setRange(0, 1)
        self.bar.setValue(int(complete))
        self.cancel_button.setEnabled(False)
        self.status.setText(status)
        self.status.setVisible(bool(status))
        self.messages.setVisible(bool(self.messages.text()))

    def clear_texts(self) -> None:
        """Say nothing any longer.

        It may be called while a layer is being removed, so the bar stays: it would paint itself at
        once, in Qt's own OpenGL context (see `napari_dgno.shared.canvas_context`).
        """
        self._notes = []
        for label in (self.status, self.messages):
            label.clear()
            label.hide()

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, loading the model included."""
        return self._whole.elapsed

    def add_note(self, text: str) -> None:
        """Show something that the user should know about this run."""
        if text not in self._notes:
            self._notes.append(text)
        self._show(as_notes(self._notes), "warning")

    def set_error(self, text: str) -> None:
        """Show why there is no result."""
        self._notes = []
        self._show(f"<b>Not done:</b> {escape(text)}", "error")

    def _show(self, html: str, kind: str) -> None:
        show_message(self.messages, html, kind, self._viewer.theme)
