"""The Train panel: choose, look at the pairs, train, watch, stop, resume, restore with the result.

The training is a process of its own. The panel starts it and follows its log; it does the same with
runs that another napari has started, so there is only one way of showing a run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from dgno_core.errors import DGNOError
from dgno_core.training.runs import launch, preview
from dgno_core.training.runs.image_files import Noted, Written
from dgno_core.training.runs.manage import delete_with_model, discard_failed_run
from dgno_core.training.runs.run import Run
from napari_dgno.shared import workers
from napari_dgno.shared.panel import open_panel
from napari_dgno.shared.progress import RunDisplay
from napari_dgno.shared.settings import Preferences, read_preferences, training_model
from napari_dgno.shared.task_panel import TaskPanel
from napari_dgno.train import manage
from napari_dgno.train import tooltips as tips
from napari_dgno.train.focus import FocusSearch
from napari_dgno.train.form import SHOW_PAIRS, TrainForm, align_labels
from napari_dgno.train.guard import CloseGuard
from napari_dgno.train.layers import PairView, PictureView
from napari_dgno.train.models import keep_model, offer_everywhere
from napari_dgno.train.pace import MEASURING, PaceSearch
from napari_dgno.train.runs import RunList
from napari_dgno.train.view import RunView
from napari_dgno.train.words import in_panel_words

if TYPE_CHECKING:
    from napari.viewer import Viewer

#: Milliseconds between two looks at the log.
INTERVAL = 400
#: Seconds between two drawings of the curves.
DRAWING = 1.0
WRITING = "Writing the images …"


class TrainPanel(TaskPanel):
    """Dock widget that trains a network on the user's images.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, training_model())
        self._run: Run | None = None
        self._pictures: PictureView | None = None
        self._status = ""
        self._is_moving = False
        self._next: Callable[[], None] | None = None
        self._drawn, self._stale = 0.0, False
        self._launching: launch.Launching | None = None
        self._pairs = PairView(napari_viewer)
        self.run_combo = RunList()
        self.form = TrainForm(napari_viewer, read_preferences())
        self.view = RunView(napari_viewer)
        self._poll_timer = QTimer(self)
        self._poll_timer.setInterval(INTERVAL)
        self._focus = FocusSearch(self.form.images)
        self._pace = PaceSearch(self.form, lambda: self.run_combo.training() is None)
        self._lay_out()
        self._connect()
        self._show_bar(False)
        self._show_page()
        self.look_for_runs()

    def _lay_out(self) -> None:
        top = QFormLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        top.addRow("Run", self.run_combo)
        top.labelForField(self.run_combo).setToolTip(tips.RUN)
        self._setup = QWidget()
        setup = QVBoxLayout(self._setup)
        setup.setContentsMargins(0, 0, 0, 0)
        setup.addWidget(self.form)
        setup.addWidget(self.display)
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.addLayout(top)
        inner.addSpacing(8)
        inner.addWidget(self._setup)
        inner.addWidget(self.view)
        inner.addStretch(1)
        self.fill(content)
        self._top = top

    def _connect(self) -> None:
        self.form.train_button.clicked.connect(self.train)
        self.form.pairs_button.clicked.connect(self.show_pairs)
        self.form.images.changed.connect(self._on_choice)
        self.form.start_chooser.failed.connect(self.show_error)
        self.form.runs_edit.edit.editingFinished.connect(self.look_for_runs)
        self.view.stop_button.clicked.connect(self.stop)
        self.view.resume_button.clicked.connect(self.resume)
        self.view.restore_button.clicked.connect(self.restore)
        self.view.rename_button.clicked.connect(self.rename)
        self.view.delete_button.clicked.connect(self.delete)
        self.run_combo.chosen.connect(self._choose_run)
        self._poll_timer.timeout.connect(self._poll)
        self._viewer.layers.events.removed.connect(self._on_removed)

    # What the buttons do ------------------------------------------------------------------------

    def train(self) -> None:
        """Write what the training needs and start it, in the background."""
        if self.is_running:
            return
        try:
            request = self.form.request()
            request.check()
            self.run_combo.check_nothing_trains()
        except DGNOError as error:
            self.show_error(str(error))
            return
        self._hide_pairs()
        self._pace.cancel()
        self._launching = launch.Launching(request, self._pace.known)
        status = MEASURING if request.needs_pace else WRITING
        self.work(status, self._launching.events)

    def show_pairs(self) -> None:
        """Show the pairs that would be trained on; or put them away again."""
        if self.is_running:
            return
        if self._pairs.is_shown:
            self._hide_pairs()
            return
        try:
            request = self.form.request()
            request.choice.check()
        except DGNOError as error:
            self.show_error(str(error))
            return
        self.work("Looking for pairs …", preview.finding_pairs, request)

    def stop(self) -> None:
        """Ask the training to stop after the step in work."""
        if self._run is not None:
            self._run.ask_to_stop()
            self._show_state()

    def resume(self) -> None:
        """Go on with a run that has stopped."""
        if self._run is None or self.is_running or self._left_if_gone(self._run):
            return
        try:
            self.run_combo.check_nothing_trains()
        except DGNOError as error:
            self.view.display.set_error(str(error))
            return
        self.work("Starting …", launch.resuming, self._run, read_preferences().threads)

    def restore(self) -> None:
        """Open the Restore panel with the best model of the run."""
        if self._run is None or self._left_if_gone(self._run) or not self._keep_model():
            return
        panel: Any = open_panel(self._viewer, "Restore")
        chooser = panel.form.model_chooser
        known = chooser.combo.findData(self._run.name) >= 0
        chooser.set_model(self._run.name if known else str(self._run.weights()))

    def rename(self) -> None:
        """Ask for another name of the run, and give it."""
        run = self._resting_run()
        name = None if run is None else manage.ask_name(self, run)
        if run is None or name is None:
            return
        self._is_moving = True
        folder = read_preferences().model_folder
        self.work("Renaming …", manage.renaming, run, name, folder)

    def _on_renamed(self, run: Run, renamed: Run) -> None:
        self._is_moving = False
        self.run_combo.replace(run, renamed)
        if self._pictures is not None:
            self._pictures.follow(renamed.folder)
        self._run = renamed
        self._show_run(renamed)
        self._offer_models()

    def delete(self) -> None:
        """Ask whether to delete the run, as soon as its model is known, and do it."""
        run = self._resting_run()
        if run is not None:
            folder = read_preferences().model_folder
            self.work("Looking for its model …", manage.finding_model, run, folder)

    def _delete(self, run: Run, model: Path | None) -> None:
        sure, with_model = manage.ask_delete(self, run, model)
        if not sure:
            return
        try:
            delete_with_model(run, model if with_model else None)
        except DGNOError as error:
            self.show_error(str(error))
            return
        self._forget(run)
        self.display.finish(f"The run {run.name} was deleted.")
        self._offer_models()
        self.form.suggest_next_name()

    def _resting_run(self) -> Run | None:
        """Return the run that is shown, if nothing is done with it at the moment."""
        run = self._run
        if run is None or self.is_running or self._left_if_gone(run):
            return None
        return None if run.is_alive() else run

    def _offer_models(self) -> None:
        """Let all panels list the user's models anew."""
        folder = read_preferences().model_folder
        if folder is not None:
            offer_everywhere(self._viewer, folder)

    def look_for_runs(self) -> None:
        """Look, in the background, for runs in the folder of runs."""
        workers.start(
            launch.finding_runs,
            self.form.runs_folder(),
            on_event=self._on_runs,
            on_finished=lambda: None,
        )

    # Work in the background ---------------------------------------------------------------------

    def _show_bar(self, shown: bool) -> None:
        """Show the bar of the setup only while something is written or looked for."""
        self.display.bar.setVisible(shown)
        self.display.cancel_button.setVisible(shown)

    def shown_display(self) -> RunDisplay:
        """Return where the task is shown."""
        return self.display if self._run is None else self.view.display

    def cancel(self) -> None:
        """Stop what is being written or looked for; a training goes on."""
        if self.is_running:
            self.quit_worker()
            self.display.status.setText("Cancelling …")

    def quit_worker(self) -> None:
        """Ask the worker to stop, and the process that it waits for."""
        super().quit_worker()
        if self._launching is not None:
            self._launching.cancel()

    def on_event(self, event: Any) -> None:
        """Show one event of the worker."""
        match event:
            case launch.Paced():
                self.display.status.setText(WRITING)
            case Written(done, total):
                self.display.bar.setRange(0, total)
                self.display.bar.setValue(done)
            case Noted(message):
                self.shown_display().add_note(in_panel_words(message))
            case preview.PairsFound():
                self._on_pairs(event)
            case launch.Launched(run):
                self._on_launched(run)
            case manage.Renamed(run, renamed):
                self._on_renamed(run, renamed)
            case manage.ModelFound(run, model):
                self._next = partial(self._delete, run, model)

    def on_event_after_closing(self, event: Any) -> None:
        """Stop a training that nobody is there to watch."""
        if isinstance(event, launch.Launched):
            event.run.ask_to_stop()

    def fail(self, error: Exception) -> None:
        """Say why there is no result, in words of this panel."""
        known = isinstance(error, DGNOError)
        super().fail(DGNOError(in_panel_words(str(error))) if known else error)

    def _on_pairs(self, found: preview.PairsFound) -> None:
        self._pairs.show(found)
        self.form.pairs_button.setText("Hide pairs")
        shown = len(found.names)
        if found.total is None:
            text = f"{shown} examples of how the images are blurred anew for every step"
        elif found.total > shown:
            text = f"The first {shown} of {found.total} pairs"
        else:
            text = f"{shown} pairs" if shown > 1 else "One pair"
        self._status = f"{text}: blurred on the left, sharp on the right."
        if shown > 1:
            self._status += " Go through them with the slider below the picture."
        for note in found.notes:
            self.display.add_note(in_panel_words(note))

    def _on_launched(self, run: Run) -> None:
        self._guard(run)
        self.run_combo.put_first(run)
        self._show_run(run)
        self.form.suggest_next_name()

    def on_finished(self, cancelled: bool) -> None:
        """Show the end, and go on with what was waiting for it."""
        self._launching = None
        self._is_moving = False
        status, self._status = self._status, ""
        self.display.finish(status)
        self.running_changed()
        if self._poll_timer.isActive():
            self._poll()
        else:
            self._show_state()  # what was said about a run at rest stays
        task, self._next = self._next, None
        if task is not None:
            task()

    def running_changed(self) -> None:
        """Switch the controls off or on."""
        self._show_bar(self.is_running)
        self.form.setEnabled(not self.is_running)
        self.run_combo.setEnabled(not self.is_running)
        if self.is_running:
            self._disable_rest()

    def _hide_pairs(self) -> None:
        self._pairs.hide()
        self.form.pairs_button.setText(SHOW_PAIRS)
        if not self.is_running:
            self.display.clear_texts()

    def _on_choice(self) -> None:
        """Say and show nothing any more of images that are not chosen now."""
        if not self.is_running and not self._closed:
            self.display.clear_texts()
            # Not at once: napari may be about to remove the layer that was chosen.
            QTimer.singleShot(0, self._put_away)

    def _put_away(self) -> None:
        if isalive(self) and not self._closed and self._pairs.is_shown:
            self._hide_pairs()

    def _on_removed(self, event: Any) -> None:
        if not self._pairs.is_shown and self.form.pairs_button.text() != SHOW_PAIRS:
            self._hide_pairs()

    # Runs ---------------------------------------------------------------------------------------

    def _on_runs(self, event: Any) -> None:
        """Offer the runs that were found, and show one that is going on."""
        if self._closed or not isinstance(event, launch.RunsFound):
            return
        self.run_combo.set_found(event.runs, self._run)
        alive = [run for run in self.run_combo.runs if run.is_alive()]
        for run in alive:
            self._guard(run)
        if alive and self._run is None and not self.is_running:
            self._show_run(alive[0])

    def _guard(self, run: Run) -> None:
        """Let napari ask before it is closed while this run trains."""
        guard = CloseGuard.around(self)
        if guard is not None:
            guard.watch(run)

    def _choose_run(self, run: Run | None) -> None:
        if run is None:
            self._run = None
            self._poll_timer.stop()
            self._show_page()
        else:
            self._show_run(run)

    def _show_run(self, run: Run) -> None:
        self._hide_pairs()
        if run is not self._run:
            self._pictures = PictureView(self._viewer, run.folder)
        self._run = run
        self.run_combo.select(run)
        self.view.show_run(run)
        self._show_page()
        self._drawn = 0.0
        self._poll_timer.start()
        self._poll()

    def _show_page(self) -> None:
        self._setup.setVisible(self._run is None)
        self.view.setVisible(self._run is not None)

    def _poll(self) -> None:
        """Read what is new in the log; notice the end of the process."""
        run = self._run
        if run is None or self._closed or self._is_moving or self._left_if_gone(run):
            return
        alive = run.is_alive()
        changed = run.log.read()
        run.escalate_stop()
        ended = not alive and not changed
        self._stale |= changed
        if (self._stale and time.monotonic() - self._drawn > DRAWING) or ended:
            self._drawn, self._stale = time.monotonic(), False
            self.view.update_curves(run)
            if self._pictures is not None:
                self._pictures.update(run.record)
        self._show_state()
        if ended and not self.is_running:
            self._on_ended(run)

    def _show_state(self) -> None:
        run = self._run
        if run is None:
            return
        state = run.state()
        self.view.update_state(run, state)
        if self.is_running:
            self._disable_rest()

    def _disable_rest(self) -> None:
        for button in self.view.rest_buttons:
            button.setEnabled(False)

    def _on_ended(self, run: Run) -> None:
        self._poll_timer.stop()
        refusal = in_panel_words(discard_failed_run(run))
        if refusal:
            self._leave(run, refusal)
            self.form.take_name_back(run.name)
            return
        state = run.state()
        self.view.show_end(run, state)
        self.run_combo.say(run, run.title())
        self._keep_model()

    def _left_if_gone(self, run: Run) -> bool:
        """Leave a run whose folder was deleted; say whether that is so."""
        if not run.is_gone:
            return False
        if run.folder.parent.is_dir() and run.is_alive():  # else perhaps a drive that comes back
            run.ask_to_stop()  # its process has nowhere to save to
        self._leave(run, f"The folder of this run is gone: {run.folder}")
        return True

    def _leave(self, run: Run, why: str) -> None:
        """Offer a new training in place of a run that is no more, and say why."""
        self._forget(run)
        self.show_error(why)

    def _forget(self, run: Run) -> None:
        self._poll_timer.stop()
        self._run = None
        self.run_combo.remove(run)
        self._show_page()

    def _keep_model(self) -> bool:
        """Offer the best model of the run in all Restore panels; say whether there is one."""
        if self._run is None:
            return False
        try:
            path = keep_model(self._run)
        except DGNOError as error:
            self.view.display.set_error(str(error))
            return self._run.weights() is not None
        if path is not None:
            offer_everywhere(self._viewer, path.parent)
        return path is not None

    # What the fields show -----------------------------------------------------------------------

    def preferences_changed(self, preferences: Preferences) -> None:
        """Fill the fields anew; look for runs where they lie now."""
        before = self.form.runs_folder()
        self.form.apply_preferences(preferences)
        if self.form.runs_folder() != before:
            self.look_for_runs()

    # The end ------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent | None) -> None:
        """Align the fields: only now is napari's theme, with its font, in force."""
        super().showEvent(event)
        align_labels(self._top, *self.form.layouts())

    def release(self) -> None:
        """Let a training go on, but listen to the viewer no longer."""
        self._poll_timer.stop()
        self._focus.shut_down()
        self._pace.shut_down()
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self.form.images.disconnect_viewer()
        self.view.plot.disconnect_viewer()
