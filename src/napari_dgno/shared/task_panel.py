"""A panel that does one thing at a time in a worker thread, and says how it went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtWidgets import QVBoxLayout, QWidget

from dgno_core.errors import DGNOError
from napari_dgno.shared import workers
from napari_dgno.shared.panel import Panel
from napari_dgno.shared.progress import RunDisplay
from napari_dgno.shared.scroll import VerticalScroll
from napari_dgno.shared.settings import Preferences, preference_model, read_preferences

if TYPE_CHECKING:
    from napari.viewer import Viewer


class TaskPanel(Panel):
    """Runs generators in a worker, one at a time, until the panel is closed.

    A panel says what an event means (`on_event`), how the end is shown (`on_finished`), and what is
    switched off meanwhile (`running_changed`).

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer it is docked in.
    *settings : evented model or None
        Further settings of napari that `preferences_changed` follows.
    """

    def __init__(self, viewer: Viewer, *settings: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._closed = False
        self._worker: workers.EventWorker | None = None
        self.display = RunDisplay(viewer)
        self.display.cancel_button.clicked.connect(self.cancel)
        self._settings = [m for m in (preference_model(), *settings) if m is not None]
        for model in self._settings:
            model.events.connect(self._apply_preferences)

    def fill(self, content: QWidget) -> None:
        """Show the content, with a scroll bar where the window is low."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(VerticalScroll(content))

    # What a panel makes of it -------------------------------------------------------------------

    def on_event(self, event: Any) -> None:
        """Show one event of the worker."""

    def on_event_after_closing(self, event: Any) -> None:
        """Undo what an event tells that came too late to be shown."""

    def on_finished(self, cancelled: bool) -> None:
        """Show the end; the worker is done, whether it was cancelled, failed or neither."""

    def running_changed(self) -> None:
        """Switch the controls off or on."""

    def preferences_changed(self, preferences: Preferences) -> None:
        """Follow the preferences."""

    def release(self) -> None:
        """Keep no layers and listen to the viewer no longer; called once, at the end."""

    def task_name(self) -> str:
        """Say what is done, as the beginning of a sentence."""
        return "That"

    def shown_display(self) -> RunDisplay:
        """Return where the task is shown."""
        return self.display

    def piece(self) -> str:
        """Say what is finished first when the task is cancelled."""
        return "step"

    # A task -------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether a task is in progress."""
        return self._worker is not None

    @property
    def is_cancelled(self) -> bool:
        """Whether the task was asked to stop, by our button or by napari's own."""
        return self._worker is not None and self._worker.abort_requested

    def work(
        self,
        status: str,
        generator: Callable[..., Iterator[Any]],
        *args: Any,
        keep_notes: bool = False,
    ) -> workers.EventWorker:
        """Run a generator in the background; nothing may be running."""
        self.shown_display().prepare(status, keep_notes=keep_notes)
        self._worker = workers.start(
            generator, *args, on_event=self._receive, on_finished=self._finish
        )
        self.running_changed()
        return self._worker

    def cancel(self) -> None:
        """Stop after the piece in work; nothing of it is kept."""
        if self._worker is not None:
            self.quit_worker()
            self.display.cancelling(self.piece())

    def quit_worker(self) -> None:
        """Ask the worker to stop."""
        if self._worker is not None:
            self._worker.quit()

    def fail(self, error: Exception) -> None:
        """Say why there is no result; what nobody foresaw goes to napari's notifications too."""
        if isinstance(error, DGNOError):
            self.show_error(str(error))
            return
        from napari.utils.notifications import notification_manager

        self.shown_display().set_error(
            f"{self.task_name()} stopped unexpectedly ({type(error).__name__}); "
            "napari's notification has the details for a bug report."
        )
        notification_manager.receive_error(type(error), error, error.__traceback__)

    def show_error(self, message: str) -> None:
        """Say why there is no result."""
        from napari.utils.notifications import show_error

        if not self.is_running:
            self.shown_display().finish("")
        self.shown_display().set_error(message)
        show_error(message)

    def clear_messages(self) -> None:
        """Take away what was said about an image that is no longer the chosen one."""
        if not self.is_running:
            self.display.clear_texts()

    def _receive(self, event: Any) -> None:
        if self._closed:
            self.on_event_after_closing(event)
        elif isinstance(event, workers.Failed):
            self.fail(event.error)
        else:
            self.on_event(event)

    def _finish(self) -> None:
        cancelled, self._worker = self.is_cancelled, None
        if not self._closed:
            self.on_finished(cancelled)
            self.running_changed()

    def _apply_preferences(self, event: Any = None) -> None:
        # napari's settings outlive the window.
        if not self._closed and isalive(self):
            self.preferences_changed(read_preferences())

    # The end ------------------------------------------------------------------------------------

    def shut_down(self) -> None:
        """Cancel and listen to nothing any longer; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self.quit_worker()
        for model in self._settings:
            model.events.disconnect(self._apply_preferences)
        self.release()
