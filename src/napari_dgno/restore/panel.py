"""The Restore panel: choose, preview, restore, cancel, save.

The panel only listens: the core's generator does the work in a worker thread
(`napari_dgno.shared.workers`), and each of its events changes what is shown.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from dgno_core.errors import DGNOError
from dgno_core.io.axes import exchanged_axes, is_colour
from dgno_core.io.write import PlaneWritten
from napari_dgno._writer import Content
from napari_dgno.restore import tooltips as tips
from napari_dgno.restore import work
from napari_dgno.restore.form import SettingsForm
from napari_dgno.restore.known import Known
from napari_dgno.restore.save_task import SaveTask
from napari_dgno.shared import workers
from napari_dgno.shared.compare import CompareBar
from napari_dgno.shared.layer_order import above_images
from napari_dgno.shared.layers import (
    PREVIEW_SIDE,
    layer_axes,
    layer_source,
    output_layer,
    preview_layer,
    visible_region,
)
from napari_dgno.shared.loaded_models import LoadedModels
from napari_dgno.shared.measured import Measured
from napari_dgno.shared.models import find_card, pixel_size_note, summary
from napari_dgno.shared.panel import Panel, open_panel
from napari_dgno.shared.progress import RunDisplay
from napari_dgno.shared.save_dialog import IMAGES, ask_path
from napari_dgno.shared.scroll import VerticalScroll
from napari_dgno.shared.settings import preference_model, read_preferences
from napari_dgno.shared.time_left import in_words

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from dgno_core.inference import RestoreConfig
    from dgno_core.io import ImageSource


@dataclass
class _Run:
    """A run in progress."""

    layer: Image
    source: ImageSource
    config: RestoreConfig
    worker: workers.EventWorker | None = None
    status: str = ""

    @property
    def verb(self) -> str:
        """Say what is done, as the beginning of a sentence about the layer."""
        return "Restoring"

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to stop, by our button or by napari's own."""
        return self.worker is not None and self.worker.abort_requested

    @property
    def outcome(self) -> str:
        """What to say at the end; nothing after an error."""
        return "Cancelled; nothing was changed." if self.cancelled else self.status


@dataclass(frozen=True)
class _Used:
    """With which settings a layer was restored; does not keep a deleted layer in memory."""

    layer: weakref.ref[Image]
    config: RestoreConfig
    tile: int


class RestorePanel(Panel):
    """Dock widget that restores an image layer of the viewer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._run: _Run | SaveTask | None = None
        self._used: _Used | None = None
        self._models = LoadedModels()
        self._measured: Measured | None = None
        self._known: Known | None = None
        self._result: Image | None = None
        self._made_from: _Used | None = None
        self._preview: weakref.ref[Image] | None = None
        self._running = False
        self._copying = False
        self._closed = False
        self.form = SettingsForm(napari_viewer, read_preferences())
        self.preview_button = QPushButton("Preview")
        self.preview_button.setToolTip(tips.PREVIEW)
        self.restore_button = QPushButton("Restore")
        self.restore_button.setToolTip(tips.RESTORE)
        self.restore_button.setStyleSheet("font-weight: bold;")
        self.save_button = QPushButton("Save result …")
        self.save_button.setToolTip(tips.SAVE)
        self.compare_bar = CompareBar(napari_viewer)
        self.copy_button = QPushButton("Copy command")
        self.copy_button.setToolTip(tips.COPY)
        self.check_button = QPushButton("Check this result")
        self.check_button.setToolTip(tips.CHECK_RESULT)
        self.check_button.hide()
        self.display = RunDisplay(napari_viewer)
        self._lay_out()
        self.preview_button.clicked.connect(self.preview)
        self.restore_button.clicked.connect(self.restore)
        self.copy_button.clicked.connect(self.copy_command)
        self.save_button.clicked.connect(self.save_result)
        self.check_button.clicked.connect(self.check_result)
        self.display.cancel_button.clicked.connect(self.cancel)
        self.form.layer_combo.layer_changed.connect(self._show_layer)
        self.form.model_chooser.model_changed.connect(self._show_model)
        self.form.axes_edit.textChanged.connect(self._show_model)
        self.form.model_chooser.failed.connect(self._show_error)
        self._preferences = preference_model()
        if self._preferences is not None:
            self._preferences.events.connect(self._apply_preferences)
        napari_viewer.layers.events.removed.connect(self._forget_result)
        self._show_layer()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.preview_button)
        buttons.addWidget(self.restore_button)
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.addWidget(self.form)
        inner.addLayout(buttons)
        inner.addWidget(self.display)
        inner.addWidget(self.compare_bar)
        after = QHBoxLayout()
        after.addWidget(self.save_button)
        after.addWidget(self.check_button)
        inner.addLayout(after)
        inner.addStretch(1)
        inner.addWidget(self.copy_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(VerticalScroll(content))

    # What the buttons do ------------------------------------------------------------------------

    def restore(self) -> None:
        """Restore the chosen layer in the background."""
        try:
            run = self._prepare()
        except DGNOError as error:
            self._show_error(str(error))
            return
        args = (run.source, run.config, self._models, self._known)
        self._start(run, "Loading the model …", work.restoring, *args)

    def preview(self) -> None:
        """Restore what is on screen in the background."""
        try:
            run = self._prepare()
            region = visible_region(run.layer, run.source, self._viewer.dims)
        except DGNOError as error:
            self._show_error(str(error))
            return
        args = (run.source, run.config, self._models, region, self._measured)
        self._start(run, "Restoring the view …", work.previewing, *args)

    def save_result(self) -> None:
        """Ask for a name, and save the newest result with its record, in the background."""
        if self._result is None or self._running:
            return
        path = ask_path(self, "Save the result", self._result.name, IMAGES)
        if path is None:
            return
        try:
            task = SaveTask(self._result, path, Content.of(self._result))
        except DGNOError as error:
            self._show_error(str(error))
            return
        self._start(task, "Saving …", task.events)

    def cancel(self) -> None:
        """Stop the run after the tile in work, or saving after the plane; nothing of it is kept."""
        if self._running and self._run is not None and self._run.worker is not None:
            self._run.worker.quit()
            self.display.cancelling("plane" if isinstance(self._run, SaveTask) else "tile")

    def copy_command(self) -> None:
        """Put the `dgno restore` line that does the same on the clipboard."""
        if self._copying:
            return
        try:
            run = self._prepare()
        except DGNOError as error:
            self._show_error(str(error))
            return
        config, used = run.config, self._used
        if used is not None and used.layer() is run.layer and used.config == config:
            config = config.changed(tile=used.tile)
        self._copying = True
        self._enable_buttons()
        workers.start(
            work.finding_command,
            run.source,
            config,
            on_event=self._on_command,
            on_finished=self._on_copied,
        )

    def check_result(self) -> None:
        """Open Inspect, and check there how far the last result can be trusted."""
        from napari_dgno.inspect.panel import InspectPanel

        made, layer = self._made_from, self._checkable()
        if made is None or layer is None:
            return
        config, panel = made.config, open_panel(self._viewer, "Inspect")
        if isinstance(panel, InspectPanel):
            panel.check_result(
                layer, model=config.model, axes=config.axes or "", normalise=config.normalise
            )

    def _checkable(self) -> Image | None:
        """Return the image that the newest result was made from, if both are still there."""
        layer = None if self._made_from is None else self._made_from.layer()
        return layer if self._result is not None and layer in self._viewer.layers else None

    def _on_command(self, event: Any) -> None:
        if self._closed:
            return
        if isinstance(event, workers.Failed):
            self._show_error(str(event.error))
            return
        QApplication.clipboard().setText(event.text)
        if not self._running:
            self.display.finish("Copied; paste it into a terminal.")

    def _on_copied(self) -> None:
        self._copying = False
        if not self._closed:
            self._enable_buttons()

    # A run --------------------------------------------------------------------------------------

    def _prepare(self) -> _Run:
        """Collect what a run needs, or say in one sentence what is missing."""
        layer = self.form.layer_combo.layer()
        if layer is None:
            raise DGNOError("There is no image to restore: open one, or a sample, first.")
        config = self.form.config()
        return _Run(layer, layer_source(layer, config.axes), config)

    def _start(self, run: _Run | SaveTask, status: str, generator: Any, *args: Any) -> None:
        if self._running:
            return
        self._run = run
        self._set_running(True)
        # What there is to know about a result stays to be known while it is saved.
        self.display.prepare(status, keep_notes=isinstance(run, SaveTask))
        run.worker = workers.start(
            generator, *args, on_event=self._on_event, on_finished=self._on_finished
        )

    def _on_event(self, event: Any) -> None:
        """Show one event of the worker."""
        run = self._run
        if run is None or self._closed:
            return
        if isinstance(event, workers.Failed):
            self._on_failed(run, event.error)
        if run.cancelled:
            return
        if isinstance(run, _Run):
            self._on_restoring(run, event)
        elif isinstance(event, PlaneWritten):
            self.display.write(event.done, event.total)

    def _on_restoring(self, run: _Run, event: Any) -> None:
        """Show one event of the core."""
        from dgno_core.inference import events

        match event:
            case events.PlaneMeasured(done, total):
                self.display.measure(done, total)
            case events.RestoreStarted(planes, tiles, tile):
                self._used = _Used(weakref.ref(run.layer), run.config, tile)
                self.display.begin(planes, tiles)
            case events.TileRestored(done, total):
                self.display.advance(done, total)
            case events.RestoreWarned(message):
                self.display.add_note(message)
            case events.Restored(data, provenance):
                self._add_result(run, data, provenance)
            case work.Previewed(data, region, measured, model, known):
                self._measured, self._known = measured, known
                self._add_preview(run, data, region, model)

    def _on_failed(self, run: _Run | SaveTask, error: Exception) -> None:
        if isinstance(run, _Run):
            self.check_button.hide()  # beside these words, it would be about another image
        if isinstance(error, DGNOError):
            self._show_error(str(error))
            return
        from napari.utils.notifications import notification_manager

        self.display.set_error(
            f"{run.verb} {run.layer.name!r} stopped unexpectedly ({type(error).__name__}); "
            "napari's notification has the details for a bug report."
        )
        notification_manager.receive_error(type(error), error, error.__traceback__)

    def _add_result(self, run: _Run, data: Any, provenance: Any) -> None:
        self._used = self._made_from = _Used(weakref.ref(run.layer), run.config, provenance.tile)
        for warning in provenance.warnings:
            self.display.add_note(warning)
        self._remove_preview()
        self.check_button.show()
        record = provenance.model_dump(mode="json")
        self._result = output_layer(data, like=run.layer, provenance=record)
        self._add_on_top(self._result, run.layer)
        run.status = (
            f"Done in {in_words(self.display.elapsed)}: see the new layer, and press Compare. The "
            "grid button at the bottom left shows the layers side by side."
        )

    def _add_preview(self, run: _Run, data: Any, region: Any, model: str) -> None:
        self._remove_preview()
        layer = preview_layer(data, like=run.layer, source=run.source, region=region, model=model)
        self._preview = weakref.ref(layer)
        self._add_on_top(layer, run.layer)
        run.status = "This is what the view becomes; press Compare to see the difference."
        if not region.whole_view:
            run.status = (
                f"Restored the middle {PREVIEW_SIDE} pixels of the view; zoom in to choose "
                "another place."
            )

    def _add_on_top(self, layer: Image, original: Image) -> None:
        """Put a layer above all images, the newest on top; labels and marks stay above it."""
        self.compare_bar.stop()
        layers = self._viewer.layers
        layers.insert(above_images(layers), layer)
        layers.selection.active = layer
        self.compare_bar.set_layers(original if original in layers else None, layer)

    def _forget_result(self, event: Any) -> None:
        if event.value is self._result:
            self._result = None
        self._enable_buttons()

    def _remove_preview(self) -> None:
        """Take away the last preview, but no copy of one that the user has kept."""
        layer = None if self._preview is None else self._preview()
        self._preview = None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _on_finished(self) -> None:
        if self._closed or self._run is None:
            return
        run, self._run = self._run, None
        done = run.outcome if not run.cancelled else ""
        self.display.finish(run.outcome, complete=bool(done))
        if isinstance(run, SaveTask) and run.saved is not None:
            for warning in run.saved.warnings:
                self.display.add_note(warning)
        if not done and run.layer not in self._viewer.layers:
            self.display.clear_texts()  # of an image that is gone; napari's notification stays
        self._set_running(False)

    def _set_running(self, running: bool) -> None:
        self._running = running
        self.form.setEnabled(not running)
        self.form.layer_combo.set_following(not running)
        self._enable_buttons()

    def _enable_buttons(self) -> None:
        ready = self.form.layer_combo.layer() is not None
        self.preview_button.setEnabled(ready and not self._running)
        self.restore_button.setEnabled(ready and not self._running)
        self.copy_button.setEnabled(ready and not self._copying)
        self.save_button.setEnabled(self._result is not None and not self._running)
        self.check_button.setEnabled(self._checkable() is not None)

    # What the fields show -----------------------------------------------------------------------

    def _show_layer(self) -> None:
        layer = self.form.layer_combo.layer()
        self.form.axes_edit.setText(layer_axes(layer) if layer is not None else "")
        if not self._running:
            self.display.clear_texts()
        self._enable_buttons()
        self._show_model()

    def _show_model(self) -> None:
        layer = self.form.layer_combo.layer()
        name, notes = "", list(filter(None, [exchanged_axes(self.form.axes_edit.text())]))
        try:
            source = None if layer is None else self._described(layer)
            colour = source is not None and is_colour(source.axes, source.shape, source.dtype)
            card = find_card(
                self.form.model_chooser.model(),
                colour=colour,
                folder=read_preferences().model_folder,
            )
            name, text = card.name, summary(card)
            if source is not None:
                notes += filter(None, [pixel_size_note(card, source.pixel_size, source.units)])
        except DGNOError as error:
            text = str(error)
        self.form.set_summary(text, name, notes)

    def _described(self, layer: Image) -> ImageSource:
        """Describe the layer with the axes in the field, or the guessed ones if those do not fit.

        While the user still types, they do not.
        """
        try:
            return layer_source(layer, self.form.axes_edit.text())
        except DGNOError:
            return layer_source(layer)

    def _show_error(self, message: str) -> None:
        from napari.utils.notifications import show_error

        if not self._running:
            self.display.finish("")
        self.display.set_error(message)
        show_error(message)

    def _apply_preferences(self, event: Any = None) -> None:
        if self._closed or not isalive(self):
            return  # the window is gone, napari's settings outlive it
        self.form.apply_preferences(read_preferences())

    # The end ------------------------------------------------------------------------------------

    def shut_down(self) -> None:
        """Cancel a run and listen to the viewer no longer; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._running and self._run is not None and self._run.worker is not None:
            self._run.worker.quit()
        self._run = self._measured = self._known = self._result = self._made_from = (
            self._preview
        ) = None
        self._models.clear()
        self._viewer.layers.events.removed.disconnect(self._forget_result)
        self.compare_bar.shut_down()
        self.form.layer_combo.disconnect_viewer()
        if self._preferences is not None:
            self._preferences.events.disconnect(self._apply_preferences)
