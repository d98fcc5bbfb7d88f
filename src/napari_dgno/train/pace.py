"""Says how long a training will take before it is started, as soon as its settings have rested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QObject, QTimer

from dgno_core.errors import DGNOError
from dgno_core.training.runs.pace import Measured, Measurement, Timed
from napari_dgno.shared import workers
from napari_dgno.train.form import TrainForm
from napari_dgno.train.words import in_panel_words

#: Milliseconds that the fields must have rested.
REST = 800
MEASURING = "Measuring how long a step takes …"
BUSY = "How long it takes is measured when nothing trains."


class PaceSearch(QObject):
    """Times a step in the background; a change of the settings ends that and begins anew.

    Parameters
    ----------
    form : TrainForm
        Its settings are followed while it is on screen, and it shows what was found.
    may_measure : callable
        Whether the computer is free for it: a training that goes on would be slowed down.
    """

    def __init__(self, form: TrainForm, may_measure: Callable[[], bool]) -> None:
        super().__init__(form)
        #: What was measured while this panel is open.
        self.known: dict[str, Timed] = {}
        self._form = form
        self._may_measure = may_measure
        self._measurement: Measurement | None = None
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setInterval(REST)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.measure)
        form.changed.connect(self._on_changed)
        form.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Measure only while the form is there to be read."""
        if event is not None and event.type() == QEvent.Type.Show:
            self._on_changed()
        elif event is not None and event.type() == QEvent.Type.Hide:
            self.cancel()
        return super().eventFilter(watched, event)

    def measure(self) -> None:
        """Time a step of the training that is chosen now."""
        self.cancel()
        if self._closed:
            return
        if not self._may_measure():
            self._form.show_pace(None, BUSY)
            return
        try:
            request = self._form.request(tidy=False)
            request.choice.check()
        except DGNOError:
            self._form.show_pace(None)  # what is missing is told when Train is pressed
            return
        self._form.show_pace(None, MEASURING)
        self._measurement = measurement = Measurement(request, self.known)
        workers.start(
            measurement.events,
            on_event=lambda event: self._on_event(measurement, event),
            on_finished=lambda: None,
        )

    def cancel(self) -> None:
        """End the measurement that is going on, and begin none."""
        self._timer.stop()
        if self._measurement is not None:
            self._measurement.cancel()
            self._measurement = None

    def shut_down(self) -> None:
        """Show nothing any longer, and let no process run."""
        self._closed = True
        self._form.removeEventFilter(self)
        self.cancel()

    def _on_changed(self) -> None:
        if self._closed:
            return
        self.cancel()
        self._form.show_pace(None)
        if self._form.isVisible():
            self._timer.start()

    def _on_event(self, measurement: Measurement, event: Any) -> None:
        if measurement is not self._measurement:
            return  # of settings that have changed since
        match event:
            case Timed():
                self._form.show_pace(event, MEASURING)
            case Measured(timed):
                self._measurement = None
                self._form.show_pace(timed)
            case workers.Failed(error):
                self._measurement = None
                known = isinstance(error, DGNOError)
                self._form.show_pace(None, in_panel_words(str(error)) if known else "")
