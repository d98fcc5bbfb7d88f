"""The Train panel: choose, look at the pairs, train, watch, stop, resume, restore with the result.

The training is a process of its own. The panel starts it and follows its log; it does the same with
runs that another napari has started, so there is only one way of showing a run.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QFormLayout, QVBoxLayout, QWidget

from dgno_core.errors import DGNOError
from napari_dgno import _train_jobs, _train_pairs, _workers
from napari_dgno import _train_tooltips as tips
from napari_dgno._docking import open_panel
from napari_dgno._panel import Panel
from napari_dgno._progress import RunDisplay
from napari_dgno._scroll import VerticalScroll
from napari_dgno._settings import preference_model, read_preferences, training_model
from napari_dgno._train_files import Noted, Written
from napari_dgno._train_focus import FocusSearch
from napari_dgno._train_form import SHOW_PAIRS, TrainForm, align_labels
from napari_dgno._train_guard import CloseGuard
from napari_dgno._train_layers import PairView, PictureView
from napari_dgno._train_models import keep_model, offer_everywhere
from napari_dgno._train_run import Run
from napari_dgno._train_view import RunView
from napari_dgno._train_withdraw import withdraw

if TYPE_CHECKING:
    from napari.viewer import Viewer

#: Milliseconds between two looks at the log.
INTERVAL = 400
#: Seconds between two drawings of the curves.
DRAWING = 1.0
NEW = "New training"


class TrainPanel(Panel):
    """Dock widget that trains a network on the user's images.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._closed = False
        self._runs: list[Run] = []
        self._run: Run | None = None
        self._pictures: PictureView | None = None
        self._status = ""
        self._drawn, self._stale = 0.0, False
        self._worker: _workers.EventWorker | None = None
        self._pairs = PairView(napari_viewer)
        self.run_combo = QComboBox()
        self.run_combo.setToolTip(tips.RUN)
        self.run_combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.run_combo.setMinimumContentsLength(12)
        self.run_combo.addItem(NEW)
        self.form = TrainForm(napari_viewer, read_preferences())
        self.display = RunDisplay(napari_viewer)
        self.view = RunView(napari_viewer)
        self._poll_timer = QTimer(self)
        self._poll_timer.setInterval(INTERVAL)
        self._focus = FocusSearch(self.form.images)
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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(VerticalScroll(content))
        self._top = top

    def _connect(self) -> None:
        self.form.train_button.clicked.connect(self.train)
        self.form.pairs_button.clicked.connect(self.show_pairs)
        self.form.images.changed.connect(self._on_choice)
        self.form.start_chooser.failed.connect(self._show_error)
        self.form.runs_edit.edit.editingFinished.connect(self.look_for_runs)
        self.display.cancel_button.clicked.connect(self._cancel)
        self.view.stop_button.clicked.connect(self.stop)
        self.view.resume_button.clicked.connect(self.resume)
        self.view.restore_button.clicked.connect(self.restore)
        self.run_combo.activated.connect(self._choose_run)
        self._poll_timer.timeout.connect(self._poll)
        self._viewer.layers.events.removed.connect(self._on_removed)
        self._settings = [m for m in (preference_model(), training_model()) if m is not None]
        for model in self._settings:
            model.events.connect(self._apply_preferences)

    # What the buttons do ------------------------------------------------------------------------

    def train(self) -> None:
        """Write what the training needs and start it, in the background."""
        if self._worker is not None:
            return
        try:
            request = self.form.request()
            request.check()
            self._check_nothing_trains()
        except DGNOError as error:
            self._show_error(str(error))
            return
        self._hide_pairs()
        self._work("Writing the images …", _train_jobs.launching, request)

    def show_pairs(self) -> None:
        """Show the pairs that would be trained on; or put them away again."""
        if self._worker is not None:
            return
        if self._pairs.is_shown:
            self._hide_pairs()
            return
        try:
            request = self.form.request()
            request.choice.check()
        except DGNOError as error:
            self._show_error(str(error))
            return
        self._work("Looking for pairs …", _train_pairs.finding_pairs, request)

    def stop(self) -> None:
        """Ask the training to stop after the step in work."""
        if self._run is not None:
            self._run.ask_to_stop()
            self._show_state()

    def resume(self) -> None:
        """Go on with a run that has stopped."""
        if self._run is None or self._worker is not None or self._left_if_gone(self._run):
            return
        try:
            self._check_nothing_trains()
        except DGNOError as error:
            self.view.display.set_error(str(error))
            return
        self._work("Starting …", _train_jobs.resuming, self._run)

    def restore(self) -> None:
        """Open the Restore panel with the best model of the run."""
        if self._run is None or self._left_if_gone(self._run) or not self._keep_model():
            return
        panel: Any = open_panel(self._viewer, "Restore")
        chooser = panel.form.model_chooser
        known = chooser.combo.findData(self._run.name) >= 0
        chooser.set_model(self._run.name if known else str(self._run.weights()))

    def look_for_runs(self) -> None:
        """Look, in the background, for runs in the folder of runs."""
        _workers.start(
            _train_jobs.finding_runs,
            self.form.runs_folder(),
            on_event=self._on_runs,
            on_finished=lambda: None,
        )

    def _check_nothing_trains(self) -> None:
        for run in self._runs:
            if run.is_alive():
                raise DGNOError(
                    f"{run.name} is still training: stop it or wait until it has finished; two at "
                    "once would slow each other down."
                )

    # Work in the background ---------------------------------------------------------------------

    def _work(self, status: str, generator: Any, *args: Any) -> None:
        display = self._shown_display()
        display.prepare(status)
        self._show_bar(True)
        self._worker = _workers.start(
            generator, *args, on_event=self._on_event, on_finished=self._on_finished
        )
        self._enable()

    def _show_bar(self, shown: bool) -> None:
        """Show the bar of the setup only while something is written or looked for."""
        self.display.bar.setVisible(shown)
        self.display.cancel_button.setVisible(shown)

    def _shown_display(self) -> RunDisplay:
        return self.display if self._run is None else self.view.display

    def _cancel(self) -> None:
        if self._worker is not None:
            self._worker.quit()
            self.display.status.setText("Cancelling …")

    def _on_event(self, event: Any) -> None:
        if self._closed:
            if isinstance(event, _train_jobs.Launched):
                event.run.ask_to_stop()  # nobody is there to watch it
            return
        match event:
            case _workers.Failed(error):
                self._on_failed(error)
            case Written(done, total):
                self.display.bar.setRange(0, total)
                self.display.bar.setValue(done)
            case Noted(message):
                self._shown_display().add_note(message)
            case _train_pairs.PairsFound():
                self._on_pairs(event)
            case _train_jobs.Launched(run):
                self._on_launched(run)

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, DGNOError):
            self._show_error(str(error))
            return
        from napari.utils.notifications import notification_manager

        self._shown_display().set_error(
            f"That stopped unexpectedly ({type(error).__name__}); napari's notification has the "
            "details for a bug report."
        )
        notification_manager.receive_error(type(error), error, error.__traceback__)

    def _on_pairs(self, found: _train_pairs.PairsFound) -> None:
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
            self.display.add_note(note)

    def _on_launched(self, run: Run) -> None:
        self._guard(run)
        known = [other for other in self._runs if other.folder != run.folder]
        self._runs = [run, *known]
        self._fill_runs()
        self._show_run(run)
        self.form.suggest_next_name()

    def _on_finished(self) -> None:
        self._worker = None
        if self._closed:
            return
        status, self._status = self._status, ""
        self.display.finish(status)
        self._show_bar(False)
        self._enable()
        if self._run is not None:
            self._poll()

    def _enable(self) -> None:
        idle = self._worker is None
        self.form.setEnabled(idle)
        self.run_combo.setEnabled(idle)
        if not idle:
            self.view.resume_button.setEnabled(False)

    def _hide_pairs(self) -> None:
        self._pairs.hide()
        self.form.pairs_button.setText(SHOW_PAIRS)
        if self._worker is None:
            self.display.finish("")

    def _on_choice(self) -> None:
        """Say and show nothing any more of images that are not chosen now."""
        if self._worker is None and not self._closed:
            self.display.messages.clear()
            self.display.finish("")
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
        if self._closed or not isinstance(event, _train_jobs.RunsFound):
            return
        shown = {run.folder: run for run in self._runs}
        self._runs = [shown.get(run.folder, run) for run, _ in event.runs]
        if self._run is not None and self._run not in self._runs:
            self._runs.insert(0, self._run)
        self._fill_runs({run.folder: text for run, text in event.runs})
        alive = [run for run in self._runs if run.is_alive()]
        for run in alive:
            self._guard(run)
        if alive and self._run is None and self._worker is None:
            self._show_run(alive[0])

    def _guard(self, run: Run) -> None:
        """Let napari ask before it is closed while this run trains."""
        guard = CloseGuard.around(self)
        if guard is not None:
            guard.watch(run)

    def _fill_runs(self, texts: dict[Any, str] | None = None) -> None:
        combo = self.run_combo
        known = {combo.itemData(i): combo.itemText(i) for i in range(1, combo.count())}
        self.run_combo.clear()
        self.run_combo.addItem(NEW)
        for run in self._runs:
            text = (texts or {}).get(run.folder) or known.get(str(run.folder), run.name)
            self.run_combo.addItem(text, str(run.folder))
        self._select()

    def _select(self) -> None:
        index = self._runs.index(self._run) + 1 if self._run in self._runs else 0
        self.run_combo.setCurrentIndex(index)

    def _choose_run(self, index: int) -> None:
        if index == 0:
            self._run = None
            self._poll_timer.stop()
            self._show_page()
        else:
            self._show_run(self._runs[index - 1])

    def _show_run(self, run: Run) -> None:
        self._hide_pairs()
        if run is not self._run:
            self._pictures = PictureView(self._viewer, run.folder)
        self._run = run
        self._select()
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
        if run is None or self._closed or self._left_if_gone(run):
            return
        alive = run.is_alive()
        changed = run.log.read()
        run.urge()
        ended = not alive and not changed
        self._stale |= changed
        if (self._stale and time.monotonic() - self._drawn > DRAWING) or ended:
            self._drawn, self._stale = time.monotonic(), False
            self.view.update_curves(run)
            if self._pictures is not None:
                self._pictures.update(run.record)
        self._show_state()
        if ended and self._worker is None:
            self._on_ended(run)

    def _show_state(self) -> None:
        run = self._run
        if run is None:
            return
        state = run.state()
        self.view.update_state(run, state)
        if self._worker is not None:
            self.view.resume_button.setEnabled(False)

    def _on_ended(self, run: Run) -> None:
        self._poll_timer.stop()
        refusal = withdraw(run)
        if refusal:
            self._leave(run, refusal)
            self.form.take_name_back(run.name)
            return
        state = run.state()
        self.view.show_end(run, state)
        index = self._runs.index(run) + 1 if run in self._runs else 0
        if index:
            self.run_combo.setItemText(index, run.title())
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
        """Offer a new training in place of a run that is no more."""
        self._poll_timer.stop()
        self._runs = [other for other in self._runs if other is not run]
        self._run = None
        self._fill_runs()
        self._show_page()
        self._show_error(why)

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

    def _show_error(self, message: str) -> None:
        from napari.utils.notifications import show_error

        display = self._shown_display()
        if self._worker is None:
            display.finish("")
        display.set_error(message)
        show_error(message)

    def _apply_preferences(self, event: Any = None) -> None:
        if self._closed or not isalive(self):
            return
        before = self.form.runs_folder()
        self.form.apply_preferences(read_preferences())
        if self.form.runs_folder() != before:
            self.look_for_runs()

    # The end ------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent | None) -> None:
        """Align the fields: only now is napari's theme, with its font, in force."""
        super().showEvent(event)
        align_labels(self._top, *self.form.layouts())

    def shut_down(self) -> None:
        """Let a training go on, but listen to nothing any longer; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._poll_timer.stop()
        self._focus.shut_down()
        if self._worker is not None:
            self._worker.quit()
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self.form.images.disconnect_viewer()
        self.view.plot.disconnect_viewer()
        for model in self._settings:
            model.events.disconnect(self._apply_preferences)
