"""Detecting objects plane by plane, in one image or in two that belong together."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.detection.config import DEFAULTS, DetectConfig
from dgno_core.detection.models import Detector, load_detector
from dgno_core.detection.results import Detection, DetectionFound
from dgno_core.detection.scaling import are_comparable, measure_limits
from dgno_core.detection.stardist_library import on_cpu, why_unavailable
from dgno_core.errors import DGNOError
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from dgno_core.io.axes import PlaneLayout, plane_layout
from dgno_core.io.normalise import IntensityRange
from dgno_core.io.read import read_image
from dgno_core.io.source import ArrayLike, ImageSource, as_source
from dgno_core.metrics.matching import Counts, count, match

Source = ImageSource | ArrayLike | str | Path
DetectEvent = AnalysisProgressed | AnalysisWarned | DetectionFound


def detect(
    image: Source,
    model: str | Path | Detector = DEFAULTS.detector,
    *,
    axes: str | None = None,
    **settings: Any,
) -> NDArray[np.int32]:
    """Detect the objects of an image.

    Parameters
    ----------
    image
        An array (numpy, dask, zarr), an image source, or a path.
    model
        A name, the folder of a model, or a loaded one.
    axes
        One letter of ``TPCZYXS`` for each dimension; guessed if not given.
    **settings
        The other fields of `DetectConfig`.

    Returns
    -------
    numpy.ndarray
        Labels of the image's shape without its colours, 0 for background; the objects of each
        plane are numbered from 1.

    Raises
    ------
    DGNOError
        If the image or the model is at fault, or StarDist is missing.
    """
    if isinstance(model, Detector):
        config, detector = DetectConfig(detector=model.name, axes=axes, **settings), model
    else:
        config, detector = DetectConfig(detector=str(model), axes=axes, **settings), None
    for event in detect_events(image, config=config, detector=detector):
        if isinstance(event, DetectionFound):
            return event.before.labels
    raise RuntimeError("the detection ended without a result")


def detect_events(
    before: Source,
    after: Source | None = None,
    config: DetectConfig = DEFAULTS,
    *,
    truth: Source | None = None,
    detector: Detector | None = None,
    limits: Sequence[tuple[IntensityRange, ...]] = (),
) -> Generator[DetectEvent, None, None]:
    """Detect objects in one or two images, reporting on the way; closing it cancels.

    Parameters
    ----------
    before, after
        An image and, if wanted, its restored version of the same shape.
    config
        The settings.
    truth
        Labels of the true objects, of the shape of the labels of `before`.
    detector
        A loaded model, in place of the one that the settings name.
    limits
        For each image what `measure_limits` gave, where that was measured on more than is looked
        at: a single plane is scaled as its stack is, or its noise would be stretched.

    Yields
    ------
    DetectEvent
        `AnalysisProgressed` when the model is loaded and after each plane of each image,
        `AnalysisWarned`, and last of all `DetectionFound`.

    Raises
    ------
    DGNOError
        If an image, the truth or the model is at fault, or StarDist is missing.
    """
    if detector is None and (reason := why_unavailable()) is not None:
        raise DGNOError(reason)
    sources = [_open(image, config.axes) for image in (before, after) if image is not None]
    if detector is None:
        detector = load_detector(config.detector)
    known = [*limits, *[()] * len(sources)]
    works = [_Work(s, detector, config, m) for s, m in zip(sources, known, strict=False)]
    if len(works) == 2 and works[0].shape != works[1].shape:
        raise DGNOError(
            f"{sources[0].name} and {sources[1].name} do not belong together: they are "
            f"{_times(works[0].shape)} and {_times(works[1].shape)} pixels."
        )
    true_planes = None if truth is None else _read_truth(truth, works[0])
    total = sum(len(work.layout) for work in works)
    yield AnalysisProgressed(0, total)
    warnings = [message for source in sources for message in source.warnings]
    warnings += _agree_on_limits(works, config)
    done = 0
    for work in works:
        for position in work.layout.positions():
            work.detect_plane(position)
            done += 1
            yield AnalysisProgressed(done, total)
        warnings += work.remarks()
    for message in warnings:
        yield AnalysisWarned(message)
    first, *rest = (work.detection() for work in works)
    second = rest[0] if rest else None
    yield DetectionFound(
        before=first,
        after=second,
        matches=()
        if second is None
        else tuple(
            match(one, other, config.iou)
            for one, other in zip(first.planes, second.planes, strict=True)
        ),
        truth_before=_agreement(true_planes, first),
        truth_after=_agreement(true_planes, second),
        config=config,
        detector=detector.name,
        warnings=tuple(warnings),
    )


# An object may be cut into a few pieces; the intensities of an image lie about in hundreds.
PIECES = 10


@dataclass
class _Work:
    """One image, how it falls into planes, and the labels found so far."""

    source: ImageSource
    detector: Detector
    config: DetectConfig
    limits: tuple[IntensityRange, ...] = ()
    probabilities: list[NDArray[np.float32]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source.check()
        colour = self.detector.channels == 3
        self.layout = self.source.layout(colour_model=colour)
        if self.layout.colours != self.detector.channels:
            needs, has = ("three colours", "none") if colour else ("grey images", "colours")
            raise DGNOError(
                f"The detector {self.detector.name} takes {needs}, but {self.source.name} has "
                f"{has} (axes {self.source.axes}); choose another detector or one channel."
            )
        axes, shape = self.layout.axes, self.layout.shape
        kept = [index for index, a in enumerate(axes) if a in self.layout.outer + "YX"]
        self.axes = "".join(axes[index] for index in kept)
        self.shape = tuple(shape[index] for index in kept)
        self.target: PlaneLayout = plane_layout(self.axes, self.shape, np.int32)
        self.labels = np.zeros(self.shape, np.int32)

    def measure(self) -> None:
        self.limits = self.limits or measure_limits(self.source, self.layout)

    def detect_plane(self, position: tuple[int, ...]) -> None:
        samples = self.layout.split(self.source.read(self.layout.index(position)))
        limits = self.limits[self.layout.channel(position)]
        colours = samples[: self.layout.colours]
        if limits.is_constant or np.ptp(colours) == 0:
            self.probabilities.append(np.zeros(0, np.float32))
            return
        labels, sure = predict(self.detector, limits.apply(colours), self.config)
        self.labels[self.target.index(position)] = self.target.join(labels[None])
        self.probabilities.append(sure)

    def remarks(self) -> list[str]:
        if all(limits.is_constant for limits in self.limits):
            return [f"{self.source.name} is constant: there is nothing to detect."]
        return [] if self.labels.any() else [f"No objects were found in {self.source.name}."]

    def detection(self) -> Detection:
        name, sure = self.source.name, tuple(self.probabilities)
        return Detection(self.labels, self.axes, sure, self.limits, name)


def predict(
    detector: Detector, scaled: NDArray[np.float32], config: DetectConfig = DEFAULTS
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Detect the objects of one plane that is scaled already.

    Parameters
    ----------
    scaled
        ``(C, Y, X)``, as many channels as the detector takes.

    Returns
    -------
    tuple
        Labels ``(Y, X)``, and how sure the model is of object 1, 2, ..., from 0 to 1.
    """
    image = scaled[0] if detector.channels == 1 else np.moveaxis(scaled, 0, -1)
    tiles = tuple(-(-size // config.tile) for size in scaled.shape[1:])
    with on_cpu():
        labels, details = detector.model.predict_instances(
            image,
            axes="YX" if detector.channels == 1 else "YXC",
            prob_thresh=config.probability,
            nms_thresh=config.overlap,
            n_tiles=tiles if detector.channels == 1 else (*tiles, 1),
            show_tile_progress=False,
        )
    return labels.astype(np.int32), np.asarray(details["prob"], np.float32)


def _agree_on_limits(works: list[_Work], config: DetectConfig) -> list[str]:
    """Decide which intensities are 0 and 1; return what the user should know about it."""
    first, *rest = works
    first.measure()
    for other in rest:
        other.measure()
        if config.scaling == "own":
            continue
        constant = any(limits.is_constant for limits in first.limits)
        if not constant and are_comparable(first.limits, other.limits):
            other.limits = first.limits
        elif not constant:
            return [
                f"{first.source.name} and {other.source.name} have different intensity scales, so "
                "each was scaled by its own percentiles."
            ]
    return []


def _open(image: Source, axes: str | None) -> ImageSource:
    return read_image(image, axes) if isinstance(image, str | Path) else as_source(image, axes)


def _read_truth(truth: Source, work: _Work) -> NDArray[Any]:
    """Read the true labels as ``(planes, Y, X)``."""
    source = _open(truth, None)
    labels = source.read((slice(None),) * len(source.shape))
    if labels.shape != work.shape:
        raise DGNOError(
            f"The ground truth {source.name} does not fit {work.source.name}: it is "
            f"{_times(labels.shape)} pixels, not {_times(work.shape)}."
        )
    if labels.dtype.kind == "f" and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        raise DGNOError(
            f"The ground truth {source.name} is not an image of labels: it must hold a whole "
            "number for each object, and 0 for background."
        )
    last = [work.axes.index(letter) for letter in "YX"]
    planes = np.moveaxis(labels, last, (-2, -1))
    planes = planes.reshape(-1, work.layout.height, work.layout.width)
    if any(map(_is_shattered, planes)):
        raise DGNOError(
            f"The ground truth {source.name} is not an image of labels: its values lie in more "
            f"than {PIECES} pieces each, like a mask or the intensities of an image; give one in "
            "which every object has a number of its own."
        )
    return planes


def _is_shattered(labels: NDArray[Any]) -> bool:
    """Tell whether an image of labels is rather one of intensities."""
    from skimage.measure import label

    objects = np.unique(labels[labels > 0]).size
    pieces = label(labels, connectivity=1).max()  # type: ignore[no-untyped-call]
    return bool(pieces > PIECES * max(objects, 1))


def _agreement(truth: NDArray[Any] | None, detection: Detection | None) -> tuple[Counts, ...]:
    if truth is None or detection is None:
        return ()
    return tuple(count(one, other) for one, other in zip(truth, detection.planes, strict=True))


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
