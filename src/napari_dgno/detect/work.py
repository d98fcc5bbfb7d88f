"""What the Detect panel does in the worker thread; StarDist runs in a process of its own."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from dgno_core.detection.process import detecting
from dgno_core.errors import DGNOError
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from napari_dgno.detect.objects import paint
from napari_dgno.shared.analysis_cache import Key, ranges_key, whole_checksum
from napari_dgno.shared.analysis_panel import CacheUpdate, ResultReady
from napari_dgno.shared.loaded_models import LoadedModels
from napari_dgno.shared.settings import read_preferences
from napari_dgno.shared.threads import take_threads

if TYPE_CHECKING:
    from dgno_core.detection import DetectConfig, DetectionFound
    from dgno_core.detection.objects import FoundObject
    from dgno_core.inference import RestoreConfig
    from dgno_core.io import ImageSource
    from dgno_core.io.normalise import IntensityRange

    Ranges = tuple[IntensityRange, ...]


@dataclass(frozen=True)
class Comparison:
    """What to detect in.

    Parameters
    ----------
    before : ImageSource
        The image.
    after : ImageSource or None
        The restored one, if it is there already.
    truth : array or None
        The true objects, with the axes of the image but colour, or those of a plane.
    position : tuple of int or None
        The plane, along every axis of ``before.layout().outer``; None for all of them.
    known_limits : sequence
        What an earlier detection has measured of the stacks `before` and `after`, by `limits_key`.
    warnings : sequence of str
        What was said when `after` was restored.
    """

    before: ImageSource
    after: ImageSource | None = None
    truth: Any = None
    truth_name: str = ""
    position: tuple[int, ...] | None = None
    known_limits: Sequence[Ranges | None] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Compared:
    """What was found.

    Parameters
    ----------
    found : DetectionFound
        Of the core.
    objects : list of FoundObject
        All objects, one by one.
    painted : numpy.ndarray
        Their numbers, in the shape of the labels.
    restored : numpy.ndarray or None
        The restored plane or stack, if it was restored on the way.
    axes : str
        The axes of `restored`.
    record : mapping
        How it was restored, for the layer; of a single plane, the model and the warnings only.
    """

    found: DetectionFound
    objects: list[FoundObject]
    painted: np.ndarray
    restored: np.ndarray | None = None
    axes: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)


def comparing(
    comparison: Comparison,
    config: DetectConfig,
    restore: RestoreConfig | None,
    models: LoadedModels,
) -> Iterator[Any]:
    """Detect in one or two images, after restoring the first one if that is wanted.

    Raises
    ------
    DGNOError
        If StarDist is not installed, or the images, the truth or the model are at fault.
    """
    from dgno_core.detection import DetectionFound
    from dgno_core.detection.objects import list_objects

    before = plane_source(comparison.before, comparison.position)
    after = comparison.after and plane_source(comparison.after, comparison.position)
    truth = _truth(comparison, before)
    restored, record = None, dict[str, Any]()
    yield from map(AnalysisWarned, comparison.warnings)
    if restore is not None:
        restored, record = yield from _restoring(comparison, restore, models)
        after = replace(before, data=restored, name=f"{before.name} restored", path=None)
    limits = yield from _limits(comparison, restored is not None)
    threads = read_preferences().threads
    for event in detecting(before, after, config, truth, limits, threads):
        if isinstance(event, DetectionFound):
            objects = list_objects(event)
            painted = paint(event, objects)
            yield ResultReady(Compared(event, objects, painted, restored, before.axes, record))
        else:
            yield event


def content_of(comparison: Comparison) -> Hashable:
    """Tell by all their pixels which images are compared, and which part; this may read files."""
    images = [comparison.before, *([comparison.after] if comparison.after else [])]
    truth = None if comparison.truth is None else whole_checksum(np.asarray(comparison.truth))
    described = tuple(
        (
            id(source.data), whole_checksum(source.data), source.axes, source.shape,
            str(source.dtype), tuple(source.pixel_size.items()), tuple(source.units.items()),
        )
        for source in images
    )  # fmt: skip
    return described, truth, comparison.truth_name, comparison.position


def limits_key(source: ImageSource) -> Key:
    """Key under which the intensities are kept that a detector sees as 0 and 1."""
    return ranges_key(source, "detector")


def _limits(comparison: Comparison, restored: bool) -> Generator[CacheUpdate, None, list[Ranges]]:
    """Measure the whole stack that a single plane belongs to: it is scaled as all planes are."""
    from dgno_core.detection.scaling import measure_limits

    position = comparison.position
    if not position:
        return []
    sources = [comparison.before, *([comparison.after] if comparison.after else [])]
    limits: list[Ranges] = []
    for source, known in zip_longest(sources, comparison.known_limits[: len(sources)]):
        layout = source.layout()
        measured = known or measure_limits(source, layout)
        if not known:
            yield CacheUpdate(limits_key(source), measured, source.data)
        limits.append((measured[layout.channel(position)],))
    # Restoring keeps the scale of the intensities.
    return limits * 2 if restored else limits


def plane_source(source: ImageSource, position: tuple[int, ...] | None) -> ImageSource:
    """Return one plane of an image as an image of its own; all of it for None."""
    if position is None:
        return source
    index = dict(zip(source.layout().outer, position, strict=True))
    pixels = source.read(tuple(index.get(letter, slice(None)) for letter in source.axes))
    axes = "".join(letter for letter in source.axes if letter not in index)
    return replace(source, data=pixels, axes=axes, path=None, files=())


def _truth(comparison: Comparison, before: ImageSource) -> Any:
    """Read the true objects that belong to the image."""
    from dgno_core.io import ImageSource

    if comparison.truth is None:
        return None
    axes = "".join(letter for letter in comparison.before.axes if letter != "S")
    labels, name = comparison.truth, comparison.truth_name
    if comparison.position is not None and labels.ndim == len(axes):
        index = dict(zip(comparison.before.layout().outer, comparison.position, strict=True))
        labels = labels[tuple(index.get(letter, slice(None)) for letter in axes)]
    expected = "".join(letter for letter in before.axes if letter != "S")
    sizes = tuple(before.shape[before.axes.index(letter)] for letter in expected)
    if labels.shape != sizes:
        raise DGNOError(
            f"The ground truth {name!r} does not fit {before.name!r}: it is "
            f"{' × '.join(map(str, labels.shape))} pixels, not {' × '.join(map(str, sizes))}."
        )
    labels = np.asarray(labels)
    if not labels.any():
        raise DGNOError(
            f"The ground truth {name!r} holds no objects here: choose another Labels layer or "
            "plane, or None."
        )
    return ImageSource(labels.astype(np.int32), expected, name=name)


def _restoring(
    comparison: Comparison, config: RestoreConfig, models: LoadedModels
) -> Generator[AnalysisProgressed | AnalysisWarned, None, tuple[Any, dict[str, Any]]]:
    """Restore the plane or the stack, with the brightness range of the stack.

    Returns it, and how it was made; see `Compared`.
    """
    from dgno_core.inference import RegionRestored, events

    take_threads()

    source, restorer = comparison.before, models.restorer(config)
    work: Iterator[Any]
    if comparison.position is not None and source.layout().outer:
        work = restorer.region_events(source, plane_index=comparison.position)
    else:
        work = restorer.events(source)
    restored, record, warnings = None, dict[str, Any](), list[str]()
    for event in work:
        match event:
            case events.TileRestored(done, total):
                yield AnalysisProgressed(done, total)
            case events.RestoreWarned(message):
                warnings.append(message)
                yield AnalysisWarned(message)
            case events.Restored(data, provenance):
                restored, record = data, provenance.model_dump(mode="json")
            case RegionRestored():
                restored, record = event.data, {"model": event.model, "warnings": warnings}
    return restored, record
