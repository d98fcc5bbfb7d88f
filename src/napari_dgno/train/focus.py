"""Says which plane of the chosen stack is the sharpest, as soon as one is chosen."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, QTimer

from dgno_core.errors import DGNOError
from dgno_core.training.runs import preview
from dgno_core.training.runs.images import StackImage
from napari_dgno.shared import workers
from napari_dgno.train.choice import ChoiceForm

#: Milliseconds that the fields must have rested.
REST = 400


class FocusSearch(QObject):
    """Looks for the sharpest plane in the background, one search at a time.

    Parameters
    ----------
    form : ChoiceForm
        Its choice is followed, and it shows what was found.
    """

    def __init__(self, form: ChoiceForm) -> None:
        super().__init__(form)
        self._form = form
        self._searching = False
        self._again = False
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setInterval(REST)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.search)
        form.changed.connect(self._timer.start)
        self._timer.start()

    def search(self) -> None:
        """Look for the sharpest plane, or do so again when the present search has ended."""
        self._again = self._searching
        if self._searching or self._closed:
            return
        try:
            choice = self._form.choice()
            if not isinstance(choice, StackImage) or choice.target is not None:
                self._form.show_focus("")
                return
            choice.check()
        except DGNOError as error:
            has_layer = self._form.layer_combo.layer() is not None
            self._form.show_focus(str(error) if has_layer else "")
            return
        self._searching = True
        self._form.show_focus("Looking for the sharpest plane …")
        workers.start(
            preview.finding_focus,
            choice,
            on_event=self._on_event,
            on_finished=self._on_finished,
        )

    def shut_down(self) -> None:
        """Show nothing any longer."""
        self._closed = True
        self._timer.stop()

    def _on_event(self, event: Any) -> None:
        if self._closed or self._again or self._timer.isActive():
            return  # it is of a layer that is not chosen any more
        match event:
            case preview.FocusFound(plane, warning):
                text = f"Plane {plane} is the sharpest."
                self._form.show_focus(f"{text} {warning}" if warning else text)
            case workers.Failed(error):
                self._form.show_focus(str(error) if isinstance(error, DGNOError) else "")

    def _on_finished(self) -> None:
        self._searching = False
        if self._again and not self._closed:
            self.search()
