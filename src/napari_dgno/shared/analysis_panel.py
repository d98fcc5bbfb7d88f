"""What the Inspect and the Detect panel have in common: one look at a time, in the background.

A look is a generator of the core that runs in a worker thread (`napari_dgno.shared.workers`) and
ends with a result, which becomes layers. Results are kept, so that the same look again is instant.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from dgno_core.errors import DGNOError
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from napari_dgno.shared import workers
from napari_dgno.shared.analysis_cache import Key, ResultCache
from napari_dgno.shared.analysis_legend import Legends
from napari_dgno.shared.analysis_overlay import BESIDE, Legend, looked_at
from napari_dgno.shared.curtain import end_comparison
from napari_dgno.shared.layer_order import above_images
from napari_dgno.shared.layers import RESULT_KEY
from napari_dgno.shared.loaded_models import LoadedModels
from napari_dgno.shared.panel import Panel
from napari_dgno.shared.progress import RunDisplay
from napari_dgno.shared.time_left import in_words

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer


@dataclass(frozen=True)
class Found:
    """The event that carries what a look found."""

    result: Any


@dataclass(frozen=True)
class Kept:
    """Something that was found on the way and saves other looks time.

    Parameters
    ----------
    key : Key
        What it depends on.
    value : object
        What was found.
    data : array, optional
        The pixels that it was found in, if not those of the look's own image.
    """

    key: Key
    value: Any
    data: Any = None


@dataclass(frozen=True)
class Identified:
    """The pixels of all images have been compared: the key of the look is known in full."""

    key: Key


@dataclass
class Look:
    """A look to be taken, or in progress.

    Parameters
    ----------
    layer : napari.layers.Image
        What is looked at.
    data : array
        Its pixels; the cache tells by them whether it is the same image.
    key : Key
        What the result depends on.
    status : str
        Shown until the first step is done.
    work : callable
        Generator function of `AnalysisProgressed`, `AnalysisWarned` and at last `Found`.
    args : tuple
        Its arguments.
    show : callable
        Makes layers of the result; returns a sentence for the user.
    content : callable, optional
        Tells what else the result depends on, where that takes so long (checksums of whole
        planes or stacks) that the worker has to do it.
    """

    layer: Image
    data: Any
    key: Key
    status: str
    work: Callable[..., Iterator[Any]]
    args: tuple[Any, ...]
    show: Callable[[Any], str]
    content: Callable[[], Hashable] | None = None
    worker: workers.EventWorker | None = None
    notes: list[str] = field(default_factory=list)
    outcome: str = ""

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop, by our button or by napari's own."""
        return self.worker is not None and self.worker.abort_requested


@dataclass(frozen=True)
class _Outcome:
    """A result in the cache, with what the user was told on the way."""

    result: Any
    notes: tuple[str, ...]


def with_content(key: Key, content: Hashable) -> Key:
    """Return the key that also holds what only the worker has time to find out."""
    return replace(key, settings=(key.settings, content))


def _identifying(look: Look, cache: ResultCache) -> Iterator[Any]:
    """Find out in the worker whether the result is known, and do the work if it is not."""
    if look.content is not None:
        key = with_content(look.key, look.content())
        yield Identified(key)
        kept = cache.get(key, look.data)
        if kept is not None:
            yield from map(AnalysisWarned, kept.notes)
            yield Found(kept.result)
            return
    yield from look.work(*look.args)


class LookPanel(Panel):
    """A panel that looks into images in the background.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer it is docked in.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._look: Look | None = None
        self._closed = False
        self.cache = ResultCache()
        self.models = LoadedModels(limit=2)  # one may be compared with another
        self.display = RunDisplay(viewer)
        self.display.cancel_button.clicked.connect(self.cancel)
        self.legends = Legends(viewer)

    @property
    def is_running(self) -> bool:
        """Whether a look is in progress."""
        return self._look is not None

    def controls(self) -> QWidget:
        """Return what is switched off while a look is in progress."""
        raise NotImplementedError

    def running_changed(self) -> None:
        """Switch the controls off or on."""
        self.controls().setEnabled(not self.is_running)

    # A look -------------------------------------------------------------------------------------

    def try_to(self, prepare: Callable[[], Look | None]) -> None:
        """Prepare a look and take it, or say in one sentence what is missing."""
        if self.is_running:
            return
        try:
            look = prepare()
        except DGNOError as error:
            self.show_error(str(error))
            return
        if look is not None:
            self.take(look)

    def take(self, look: Look) -> None:
        """Show what is known from before, or start the work."""
        if self.is_running:
            return
        self.display.prepare(look.status)
        kept = self.cache.get(look.key, look.data) if look.content is None else None
        if kept is not None:
            for note in kept.notes:
                self.display.add_note(note)
            self.display.finish(look.show(kept.result), complete=True)
            return
        self._look = look
        self.running_changed()
        look.worker = workers.start(
            _identifying,
            look,
            self.cache,
            on_event=self._on_event,
            on_finished=self._on_finished,
        )

    def cancel(self) -> None:
        """Stop after the step in work; nothing is shown."""
        if self._look is not None and self._look.worker is not None:
            self._look.worker.quit()
            self.display.cancelling("step")

    def _on_event(self, event: Any) -> None:
        look = self._look
        if look is None or self._closed:
            return
        if isinstance(event, workers.Failed):
            self._on_failed(look, event.error)
        elif not look.cancelled:
            match event:
                case AnalysisProgressed(done, total):
                    if self.display.bar.maximum() != total:
                        self.display.begin(1, total)
                    self.display.advance(done, total)
                case AnalysisWarned(message):
                    look.notes.append(message)
                    self.display.add_note(message)
                case Identified(key):
                    look.key = key
                case Kept(key, value, data):
                    self.cache.put(key, look.data if data is None else data, value)
                case Found(result):
                    self._on_found(look, result)

    def _on_found(self, look: Look, result: Any) -> None:
        self.cache.put(look.key, look.data, _Outcome(result, tuple(look.notes)))
        if look.layer not in self._viewer.layers:
            look.outcome = f"{look.layer.name!r} was removed meanwhile: nothing to show it on."
            return
        sentence = look.show(result)
        look.outcome = f"{sentence} ({in_words(self.display.elapsed)})"

    def _on_failed(self, look: Look, error: Exception) -> None:
        if isinstance(error, DGNOError):
            self.show_error(str(error))
            return
        from napari.utils.notifications import notification_manager

        self.display.set_error(
            f"Looking into {look.layer.name!r} stopped unexpectedly ({type(error).__name__}); "
            "napari's notification has the details for a bug report."
        )
        notification_manager.receive_error(type(error), error, error.__traceback__)

    def _on_finished(self) -> None:
        look, self._look = self._look, None
        if self._closed or look is None:
            return
        status = "Cancelled; nothing was added." if look.cancelled else look.outcome
        self.display.finish(status, complete=bool(look.outcome))
        self.running_changed()

    def show_error(self, message: str) -> None:
        """Say why there is no result."""
        from napari.utils.notifications import show_error

        if not self.is_running:
            self.display.finish("")
        self.display.set_error(message)
        show_error(message)

    def clear_messages(self) -> None:
        """Take away what was said about an image that is no longer the chosen one."""
        if not self.is_running:
            self.display.clear_texts()

    # Layers -------------------------------------------------------------------------------------

    def add_over(self, layers: list[tuple[Layer, Legend | None]], original: Layer) -> None:
        """Put layers of a look over an image, above all images; the first is the one to see.

        A layer of the same name is replaced, as is what lay beside the image, and what other looks
        showed on the image is hidden: colours on top of each other mean nothing.
        """
        end_comparison(self._viewer)
        mine = self._viewer.layers
        names = {layer.name for layer, _ in layers}
        for old in [layer for layer in mine if looked_at(layer) == original.name]:
            if old.name in names or old.metadata[RESULT_KEY]["look"] == BESIDE:
                mine.remove(old)
            else:
                old.visible = False
        place = above_images(mine, [old for old in mine if looked_at(old) == original.name])
        for layer, legend in reversed(layers):
            mine.insert(place, layer)
            place += 1
            if legend is not None:
                self.legends.add(layer, legend)
        mine.selection.active = layers[0][0]

    # The end ------------------------------------------------------------------------------------

    def shut_down(self) -> None:
        """Cancel and listen to the viewer no longer; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._look is not None and self._look.worker is not None:
            self._look.worker.quit()
        self._look = None
        self.cache.clear()
        self.models.clear()
        self.legends.disconnect_viewer()
