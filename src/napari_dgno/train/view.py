"""How a run stands: progress, curves, and what can be done with it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from dgno_core.training.runs.run import Run, State
from napari_dgno.shared.progress import RunDisplay, wrapped_label
from napari_dgno.shared.time_left import in_words
from napari_dgno.train import tooltips as tips
from napari_dgno.train.plot import RunPlot
from napari_dgno.train.words import in_panel_words

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from dgno_core.training.runs.record import RunRecord


#: Sentences about the data, at most.
MOST_NOTES = 4


class RunView(QWidget):
    """The state of one run.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its theme gives the colours.
    parent : QWidget, optional
        Qt parent.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display = RunDisplay(viewer)
        self.stop_button = self.display.cancel_button
        self.stop_button.setText("Stop")
        self.stop_button.setToolTip(tips.STOP)
        self.plot = RunPlot(viewer)
        self.plot.setToolTip(tips.PLOT)
        self.facts = wrapped_label()
        self.facts.setTextFormat(Qt.TextFormat.RichText)
        self.resume_button = QPushButton("Resume")
        self.resume_button.setToolTip(tips.RESUME)
        self.restore_button = QPushButton("Restore with it")
        self.restore_button.setToolTip(tips.RESTORE)
        self.folder_button = QPushButton("Folder")
        self.folder_button.setToolTip(tips.FOLDER_LINK)
        self.folder_button.clicked.connect(self._open_folder)
        self.rename_button = QPushButton("Rename …")
        self.rename_button.setToolTip(tips.RENAME)
        self.delete_button = QPushButton("Delete …")
        self.delete_button.setToolTip(tips.DELETE)
        #: What only a run that does not go on can be asked for.
        self.rest_buttons = (self.resume_button, self.rename_button, self.delete_button)
        self._run: Run | None = None
        buttons = QGridLayout()
        buttons.addWidget(self.resume_button, 0, 0, 1, 3)
        buttons.addWidget(self.restore_button, 0, 3, 1, 3)
        for at, button in enumerate((self.rename_button, self.delete_button, self.folder_button)):
            buttons.addWidget(button, 1, 2 * at, 1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.display)
        layout.addWidget(self.plot)
        layout.addWidget(self.facts)
        layout.addLayout(buttons)

    def show_run(self, run: Run) -> None:
        """Show a run from the start; `update_state` and `update_curves` keep it up to date."""
        self._run = run
        self.display.prepare("Reading the log …")
        self.stop_button.setEnabled(False)
        for button in self.rest_buttons:
            button.setEnabled(False)
        self.restore_button.setEnabled(False)
        self.plot.show_record(run.record)
        self.facts.clear()

    def update_curves(self, run: Run) -> None:
        """Draw the curves anew and tell the facts."""
        self.plot.show_record(run.record)
        self.facts.setText(facts(run))

    def update_state(self, run: Run, state: State) -> None:
        """Show progress and what can be done."""
        record, bar = run.record, self.display.bar
        running = state is State.RUNNING
        self.stop_button.setEnabled(running and not run.stopping)
        self.resume_button.setEnabled(run.can_resume() and not running)
        self.rename_button.setEnabled(not running)
        self.delete_button.setEnabled(not running)
        self.restore_button.setEnabled(run.weights() is not None)
        if running and (run.is_starting or not record.total):
            bar.setRange(0, 0)
        else:
            bar.setRange(0, max(record.total, 1))
            bar.setValue(record.step)
        self.display.status.setText(status(run, state))
        self.display.status.show()

    def show_end(self, run: Run, state: State) -> None:
        """Tell why a run does not go on."""
        self.display.messages.clear()
        self.display.messages.hide()
        for note in run.record.notes[-3:]:
            self.display.add_note(in_panel_words(note))
        if state is State.FAILED:
            self.display.set_error(in_panel_words(run.error()))
        elif state is State.INTERRUPTED:
            self.display.set_error(
                "The training process has ended without a word: it was stopped from outside, or "
                "the computer ran out of memory or was switched off. Resume goes on from the last "
                "checkpoint."
                if run.can_go_on()
                else "The training process has ended without a word, before the first checkpoint: "
                "it was stopped from outside, or the computer ran out of memory. Resume begins "
                "anew."
            )

    def _open_folder(self) -> None:
        if self._run is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._run.folder)))


def status(run: Run, state: State) -> str:
    """Say in one line how a run stands."""
    record = run.record
    at = f"step {record.step} of {record.total}"
    if state is State.RUNNING:
        if run.stopping:
            return f"Stopping … the step in work is finished first ({at})."
        if run.is_starting or not record.total:
            return "Starting … the network and the images are being loaded."
        return " · ".join([f"S{at[1:]}", *_pace(record)])
    if state is State.FINISHED:
        return f"Finished: {record.total} steps."
    if state is State.STOPPED:
        why = "" if record.reason in (None, "as asked") else f" because {record.reason}"
        return f"Stopped at {at}{why}. Resume goes on from there."
    return f"Ended at {at}." if record.total else "Ended before the first step."


def _pace(record: RunRecord) -> list[str]:
    """How fast it goes and how long it still takes."""
    left = record.seconds_left()
    if left is None:
        return ["measuring how long a step takes"]
    seconds = left / max(record.total - record.step, 1)
    pace = (
        f"{seconds:.1f} s a step"
        if seconds >= 0.1
        else f"{1 / max(seconds, 1e-6):.0f} steps a second"
    )
    return [pace, f"about {in_words(left)} left"]


def facts(run: Run) -> str:
    """What the run works on, and how good it has become."""
    record = run.record
    parts = []
    if record.images:
        parts.append(
            f"{record.images} training images, {record.held_out} for validation, on "
            f"{escape(record.device)}."
        )
    parts += [escape(in_panel_words(note)) for note in record.about[:MOST_NOTES]]
    if record.scores and record.best is not None:
        step, best = record.best
        gain = best - record.scores[-1][1]
        parts.append(
            f"Best model: <b>{best:.2f} dB</b> at step {step}, {abs(gain):.2f} dB "
            f"{'above' if gain >= 0 else 'below'} the blurred input."
        )
    elif run.has_only_unvalidated():
        parts.append(
            f"<b>Not validated</b>, step {record.step}: this model has never been tried on images "
            "that it has not trained on, so nobody knows what it does. Resume before you use it."
        )
    if record.pictures:
        parts.append("The pictures below the image: blurred, restored, sharp.")
    return "<br>".join(parts)
