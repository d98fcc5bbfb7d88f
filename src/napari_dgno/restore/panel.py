"""The Restore panel: choose, preview, restore, cancel, save.

The panel only listens: the core's generator does the work in a worker thread
(`napari_dgno.shared.task_panel`), and each of its events changes what is shown.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from dgno_core.errors import DGNOError
from dgno_core.io.axes import exchanged_axes, is_colour
from dgno_core.io.write import PlaneWritten
from napari_dgno._writer import Content
from napari_dgno.restore import tooltips as tips
from napari_dgno.restore import work
from napari_dgno.restore.form import SettingsForm
from napari_dgno.restore.known import Known
from napari_dgno.restore.results import Results, Used
from napari_dgno.restore.save_task import SaveTask
from napari_dgno.shared import workers
from napari_dgno.shared.compare import CompareBar
from napari_dgno.shared.layers import PREVIEW_SIDE, layer_axes, layer_source, visible_region
from napari_dgno.shared.loaded_models import LoadedModels
from napari_dgno.shared.measured import MeasuredRanges
from napari_dgno.shared.models import find_card, pixel_size_note, summary
from napari_dgno.shared.panel import open_panel
from napari_dgno.shared.save_dialog import IMAGES, ask_path
from napari_dgno.shared.settings import Preferences, read_preferences
from napari_dgno.shared.task_panel import TaskPanel
from napari_dgno.shared.time_left import in_words

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from dgno_core.inference import RestoreConfig
    from dgno_core.io import ImageSource


@dataclass
class Restoration:
    """A view or a whole image being restored.

    Parameters
    ----------
    layer, source : napari.layers.Image, ImageSource
        The image.
    config : RestoreConfig
        How.
    done : str
        What to say at the end; empty as long as there is no result.
    """

    layer: Image
    source: ImageSource
    config: RestoreConfig
    done: str = ""
    verb: ClassVar[str] = "Restoring"
    cancelled: ClassVar[str] = "Cancelled; nothing was changed."


class RestorePanel(TaskPanel):
    """Dock widget that restores an image layer of the viewer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self._task: Restoration | SaveTask | None = None
        self._used: Used | None = None
        self._models = LoadedModels()
        self._measured: MeasuredRanges | None = None
        self._known: Known | None = None
        self._copying = False
        self.form = SettingsForm(napari_viewer, read_preferences())
        self.preview_button = QPushButton("Preview")
        self.preview_button.setToolTip(tips.PREVIEW)
        self.restore_button = QPushButton("Restore")
        self.restore_button.setToolTip(tips.RESTORE)
        self.restore_button.setStyleSheet("font-weight: bold;")
        self.save_button = QPushButton("Save result …")
        self.save_button.setToolTip(tips.SAVE)
        self.compare_bar = CompareBar(napari_viewer)
        self._results = Results(napari_viewer, self.compare_bar)
        self.copy_button = QPushButton("Copy command")
        self.copy_button.setToolTip(tips.COPY)
        self.check_button = QPushButton("Check this result")
        self.check_button.setToolTip(tips.CHECK_RESULT)
        self.check_button.hide()
        self._lay_out()
        self.preview_button.clicked.connect(self.preview)
        self.restore_button.clicked.connect(self.restore)
        self.copy_button.clicked.connect(self.copy_command)
        self.save_button.clicked.connect(self.save_result)
        self.check_button.clicked.connect(self.check_result)
        self.form.layer_combo.layer_changed.connect(self._show_layer)
        self.form.model_chooser.model_changed.connect(self._show_model)
        self.form.axes_edit.textChanged.connect(self._show_model)
        self.form.model_chooser.failed.connect(self.show_error)
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
        self.fill(content)

    # What the buttons do ------------------------------------------------------------------------

    def restore(self) -> None:
        """Restore the chosen layer in the background."""
        try:
            task = self._prepare()
        except DGNOError as error:
            self.show_error(str(error))
            return
        args = (task.source, task.config, self._models, self._known)
        self._start(task, "Loading the model …", work.restoring, *args)

    def restore_usual(self) -> None:
        """Restore the chosen layer as the preferences say, all else being as at first."""
        if self.is_running:
            from napari.utils.notifications import show_warning

            show_warning(
                "The image was not restored, for the Restore panel is busy: press Cancel there or "
                "wait for the end, then choose this again."
            )
            return
        self.form.reset()
        self._show_layer()
        self.restore()

    def preview(self) -> None:
        """Restore what is on screen in the background."""
        try:
            task = self._prepare()
            region = visible_region(task.layer, task.source, self._viewer.dims)
        except DGNOError as error:
            self.show_error(str(error))
            return
        args = (task.source, task.config, self._models, region, self._measured)
        self._start(task, "Restoring the view …", work.previewing, *args)

    def save_result(self) -> None:
        """Ask for a name, and save the newest result with its record, in the background."""
        result = self._results.newest
        if result is None or self.is_running:
            return
        path = ask_path(self, "Save the result", result.name, IMAGES)
        if path is None:
            return
        try:
            task = SaveTask(result, path, Content.of(result))
        except DGNOError as error:
            self.show_error(str(error))
            return
        self._start(task, "Saving …", task.events)

    def copy_command(self) -> None:
        """Put the `dgno restore` line that does the same on the clipboard."""
        if self._copying:
            return
        try:
            task = self._prepare()
        except DGNOError as error:
            self.show_error(str(error))
            return
        config, used = task.config, self._used
        if used is not None and used.layer() is task.layer and used.config == config:
            config = config.changed(tile=used.tile)
        self._copying = True
        self._enable_buttons()
        workers.start(
            work.finding_command,
            task.source,
            config,
            on_event=self._on_command,
            on_finished=self._on_copied,
        )

    def check_result(self) -> None:
        """Open Inspect, and check there how far the last result can be trusted."""
        from napari_dgno.inspect.panel import InspectPanel

        made, layer = self._results.made_from, self._results.checkable()
        if made is None or layer is None:
            return
        config, panel = made.config, open_panel(self._viewer, "Inspect")
        if isinstance(panel, InspectPanel):
            panel.check_result(
                layer, model=config.model, axes=config.axes or "", normalise=config.normalise
            )

    def _on_command(self, event: Any) -> None:
        if self._closed:
            return
        if isinstance(event, workers.Failed):
            self.show_error(str(event.error))
            return
        QApplication.clipboard().setText(event.text)
        if not self.is_running:
            self.display.finish("Copied; paste it into a terminal.")

    def _on_copied(self) -> None:
        self._copying = False
        if not self._closed:
            self._enable_buttons()

    # A task -------------------------------------------------------------------------------------

    def _prepare(self) -> Restoration:
        """Collect what a restoration needs, or say in one sentence what is missing."""
        layer = self.form.layer_combo.layer()
        if layer is None:
            raise DGNOError("There is no image to restore: open one, or a sample, first.")
        config = self.form.config()
        return Restoration(layer, layer_source(layer, config.axes), config)

    def _start(self, task: Restoration | SaveTask, status: str, generator: Any, *args: Any) -> None:
        if not self.is_running:
            self._task = task
            # What there is to know about a result stays to be known while it is saved.
            self.work(status, generator, *args, keep_notes=isinstance(task, SaveTask))

    def task_name(self) -> str:
        """Say what is done, as the beginning of a sentence."""
        return (
            super().task_name()
            if self._task is None
            else (f"{self._task.verb} {self._task.layer.name!r}")
        )

    def piece(self) -> str:
        """Say what is finished first when the task is cancelled."""
        return "plane" if isinstance(self._task, SaveTask) else "tile"

    def on_event(self, event: Any) -> None:
        """Show one event of the worker."""
        if self.is_cancelled:
            return
        if isinstance(self._task, Restoration):
            self._on_restoring(self._task, event)
        elif isinstance(event, PlaneWritten):
            self.display.write(event.done, event.total)

    def _on_restoring(self, task: Restoration, event: Any) -> None:
        """Show one event of the core."""
        from dgno_core.inference import events

        match event:
            case events.PlaneMeasured(done, total):
                self.display.measure(done, total)
            case events.RestoreStarted(planes, tiles, tile):
                self._used = Used(weakref.ref(task.layer), task.config, tile)
                self.display.begin(planes, tiles)
            case events.TileRestored(done, total):
                self.display.advance(done, total)
            case events.RestoreWarned(message):
                self.display.add_note(message)
            case events.Restored(data, provenance):
                self._on_restored(task, data, provenance)
            case work.Previewed():
                self._on_previewed(task, event)

    def _on_restored(self, task: Restoration, data: Any, provenance: Any) -> None:
        for warning in provenance.warnings:
            self.display.add_note(warning)
        self.check_button.show()
        self._used = Used(weakref.ref(task.layer), task.config, provenance.tile)
        self._results.add(data, provenance, self._used, task.layer)
        task.done = (
            f"Done in {in_words(self.display.elapsed)}: see the new layer, and press Compare. The "
            "grid button at the bottom left shows the layers side by side."
        )

    def _on_previewed(self, task: Restoration, event: work.Previewed) -> None:
        self._measured, self._known = event.measured, event.known
        region = event.region
        self._results.add_preview(
            event.data, region, event.model, like=task.layer, source=task.source
        )
        task.done = "This is what the view becomes; press Compare to see the difference."
        if not region.whole_view:
            task.done = (
                f"Restored the middle {PREVIEW_SIDE} pixels of the view; zoom in to choose "
                "another place."
            )

    def fail(self, error: Exception) -> None:
        """Say why there is no result."""
        if isinstance(self._task, Restoration):
            self.check_button.hide()  # beside these words, it would be about another image
        super().fail(error)

    def on_finished(self, cancelled: bool) -> None:
        """Show the end."""
        task, self._task = self._task, None
        if task is None:
            return
        self.display.finish(
            task.done or (task.cancelled if cancelled else ""), complete=bool(task.done)
        )
        if isinstance(task, SaveTask) and task.saved is not None:
            for warning in task.saved.warnings:
                self.display.add_note(warning)
        if not task.done and task.layer not in self._viewer.layers:
            self.display.clear_texts()  # of an image that is gone; napari's notification stays

    def running_changed(self) -> None:
        """Switch the controls off or on."""
        self.form.setEnabled(not self.is_running)
        self.form.layer_combo.set_following(not self.is_running)
        self._enable_buttons()

    def _enable_buttons(self) -> None:
        ready, idle = self.form.layer_combo.layer() is not None, not self.is_running
        self.preview_button.setEnabled(ready and idle)
        self.restore_button.setEnabled(ready and idle)
        self.copy_button.setEnabled(ready and not self._copying)
        self.save_button.setEnabled(self._results.newest is not None and idle)
        self.check_button.setEnabled(self._results.checkable() is not None)

    def _forget_result(self, event: Any) -> None:
        self._results.forget(event.value)
        self._enable_buttons()

    # What the fields show -----------------------------------------------------------------------

    def _show_layer(self) -> None:
        layer = self.form.layer_combo.layer()
        self.form.axes_edit.setText(layer_axes(layer) if layer is not None else "")
        self.clear_messages()
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

    def preferences_changed(self, preferences: Preferences) -> None:
        """Set the fields whose preference has changed to it."""
        self.form.apply_preferences(preferences)

    # The end ------------------------------------------------------------------------------------

    def release(self) -> None:
        """Keep no layers and listen to the viewer no longer."""
        self._task = self._measured = self._known = self._used = None
        self._results.clear()
        self._models.clear()
        self._viewer.layers.events.removed.disconnect(self._forget_result)
        self.compare_bar.shut_down()
        self.form.layer_combo.disconnect_viewer()
