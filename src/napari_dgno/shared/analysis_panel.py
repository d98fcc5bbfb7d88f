"""What the Inspect and the Detect panel have in common: one analysis at a time, in the background.

An analysis is a generator of the core that runs in a worker thread
(`napari_dgno.shared.task_panel`) and ends with a result, which becomes layers. Results are kept, so
that the same analysis again is instant.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from dgno_core.errors import DGNOError
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from napari_dgno.shared.analysis_cache import Key, ResultCache
from napari_dgno.shared.analysis_legend import Legends
from napari_dgno.shared.analysis_overlay import BESIDE, Legend, analysed_image
from napari_dgno.shared.curtain import end_comparison
from napari_dgno.shared.layer_order import above_images
from napari_dgno.shared.layers import RESULT_KEY
from napari_dgno.shared.loaded_models import LoadedModels
from napari_dgno.shared.settings import Preferences, read_preferences
from napari_dgno.shared.task_panel import TaskPanel
from napari_dgno.shared.time_left import in_words

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer


@dataclass(frozen=True)
class ResultReady:
    """The event that carries what an analysis found."""

    result: Any


@dataclass(frozen=True)
class CacheUpdate:
    """Something that was found on the way and saves other analyses time.

    Parameters
    ----------
    key : Key
        What it depends on.
    value : object
        What was found.
    data : array, optional
        The pixels that it was found in, if not those of the analysis' own image.
    """

    key: Key
    value: Any
    data: Any = None


@dataclass(frozen=True)
class Identified:
    """The pixels of all images have been compared: the key of the analysis is known in full."""

    key: Key


@dataclass
class Analysis:
    """An analysis to be started, or in progress.

    Parameters
    ----------
    layer : napari.layers.Image
        The image.
    data : array
        Its pixels; the cache tells by them whether it is the same image.
    key : Key
        What the result depends on.
    status : str
        Shown until the first step is done.
    work : callable
        Generator function of `AnalysisProgressed`, `AnalysisWarned` and at last `ResultReady`.
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
    notes: list[str] = field(default_factory=list)
    outcome: str = ""


@dataclass(frozen=True)
class _Outcome:
    """A result in the cache, with what the user was told on the way."""

    result: Any
    notes: tuple[str, ...]


def with_content(key: Key, content: Hashable) -> Key:
    """Return the key that also holds what only the worker has time to find out."""
    return replace(key, settings=(key.settings, content))


def _identifying(analysis: Analysis, cache: ResultCache) -> Iterator[Any]:
    """Find out in the worker whether the result is known, and do the work if it is not."""
    if analysis.content is not None:
        key = with_content(analysis.key, analysis.content())
        yield Identified(key)
        kept = cache.get(key, analysis.data)
        if kept is not None:
            yield from map(AnalysisWarned, kept.notes)
            yield ResultReady(kept.result)
            return
    yield from analysis.work(*analysis.args)


class AnalysisPanel(TaskPanel):
    """A panel that analyses images in the background.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer it is docked in.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._analysis: Analysis | None = None
        self._folder = read_preferences().model_folder
        self.cache = ResultCache()
        self.models = LoadedModels(limit=2)  # one may be compared with another
        self.legends = Legends(viewer)

    def controls(self) -> QWidget:
        """Return what is switched off while an analysis is in progress."""
        raise NotImplementedError

    def set_folder(self, folder: Path | None) -> None:
        """List the models of another folder."""
        raise NotImplementedError

    def running_changed(self) -> None:
        """Switch the controls off or on."""
        self.controls().setEnabled(not self.is_running)

    def preferences_changed(self, preferences: Preferences) -> None:
        """List the models of the preferred folder."""
        if preferences.model_folder != self._folder:
            self._folder = preferences.model_folder
            self.set_folder(self._folder)

    # An analysis --------------------------------------------------------------------------------

    def try_to(self, prepare: Callable[[], Analysis | None]) -> None:
        """Prepare an analysis and start it, or say in one sentence what is missing."""
        if self.is_running:
            return
        try:
            analysis = prepare()
        except DGNOError as error:
            self.show_error(str(error))
            return
        if analysis is not None:
            self.start(analysis)

    def start(self, analysis: Analysis) -> None:
        """Show what is known from before, or start the work."""
        if self.is_running:
            return
        known = None
        if analysis.content is None:
            known = self.cache.get(analysis.key, analysis.data)
        if known is None:
            self._analysis = analysis
            self.work(analysis.status, _identifying, analysis, self.cache)
            return
        self.display.prepare(analysis.status)
        for note in known.notes:
            self.display.add_note(note)
        self.display.finish(analysis.show(known.result), complete=True)

    def task_name(self) -> str:
        """Say what is done, as the beginning of a sentence."""
        return "That" if self._analysis is None else f"Looking into {self._analysis.layer.name!r}"

    def on_event(self, event: Any) -> None:
        """Show one event of the worker."""
        analysis = self._analysis
        if analysis is None or self.is_cancelled:
            return
        match event:
            case AnalysisProgressed(done, total):
                if self.display.bar.maximum() != total:
                    self.display.begin(1, total)
                self.display.advance(done, total)
            case AnalysisWarned(message):
                analysis.notes.append(message)
                self.display.add_note(message)
            case Identified(key):
                analysis.key = key
            case CacheUpdate(key, value, data):
                self.cache.put(key, analysis.data if data is None else data, value)
            case ResultReady(result):
                self._on_result(analysis, result)

    def _on_result(self, analysis: Analysis, result: Any) -> None:
        known = _Outcome(result, tuple(analysis.notes))
        self.cache.put(analysis.key, analysis.data, known)
        if analysis.layer not in self._viewer.layers:
            name = analysis.layer.name
            analysis.outcome = f"{name!r} was removed meanwhile: nothing to show it on."
            return
        sentence = analysis.show(result)
        analysis.outcome = f"{sentence} ({in_words(self.display.elapsed)})"

    def on_finished(self, cancelled: bool) -> None:
        """Show the end."""
        analysis, self._analysis = self._analysis, None
        if analysis is not None:
            status = "Cancelled; nothing was added." if cancelled else analysis.outcome
            self.display.finish(status, complete=bool(analysis.outcome))

    # Layers -------------------------------------------------------------------------------------

    def add_over(self, layers: list[tuple[Layer, Legend | None]], original: Layer) -> None:
        """Put layers of an analysis over an image, above all images; the first is the one to see.

        A layer of the same name is replaced, as is what lay beside the image, and what other
        analyses showed on the image is hidden: colours on top of each other mean nothing.
        """
        end_comparison(self._viewer)
        mine = self._viewer.layers
        names = {layer.name for layer, _ in layers}
        for old in [layer for layer in mine if analysed_image(layer) == original.name]:
            if old.name in names or old.metadata[RESULT_KEY]["analysis"] == BESIDE:
                mine.remove(old)
            else:
                old.visible = False
        place = above_images(mine, [old for old in mine if analysed_image(old) == original.name])
        for layer, legend in reversed(layers):
            mine.insert(place, layer)
            place += 1
            if legend is not None:
                self.legends.add(layer, legend)
        mine.selection.active = layers[0][0]

    # The end ------------------------------------------------------------------------------------

    def release(self) -> None:
        """Keep no results and listen to the viewer no longer."""
        self._analysis = None
        self.cache.clear()
        self.models.clear()
        self.legends.disconnect_viewer()
