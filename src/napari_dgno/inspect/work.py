"""What the Inspect panel does in the worker thread; torch is imported here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING, Any

import numpy as np

from dgno_core.interpretation.events import AnalysisProgressed
from dgno_core.io.axes import is_colour
from napari_dgno.shared.analysis_cache import Key, ranges_key
from napari_dgno.shared.analysis_panel import CacheUpdate, ResultReady
from napari_dgno.shared.loaded_models import LoadedModels, weights_stamp
from napari_dgno.shared.threads import take_threads

if TYPE_CHECKING:
    from dgno_core.inference import RestoreConfig, Restorer
    from dgno_core.interpretation.lam import LamSettings, Window
    from dgno_core.interpretation.operator_maps import OperatorMaps
    from dgno_core.interpretation.trust import TrustFound
    from dgno_core.io import ImageSource
    from dgno_core.models import ModelCard
    from napari_dgno.shared.layers import ViewRegion


@dataclass(frozen=True)
class Subject:
    """What every analysis needs to know of the image.

    Parameters
    ----------
    source : ImageSource
        The image.
    region : ViewRegion
        Plane and part of it.
    channel : int
        Which colour a grey model looks at.
    ranges : tuple or None
        Brightness ranges of the stack for the first model, if they have been measured before.
    """

    source: ImageSource
    region: ViewRegion
    channel: int = 0
    ranges: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class OperatorRequest:
    """Which map of which operator; see `dgno_core.interpretation.operator_maps`."""

    scale: str
    iteration: int
    shown: str
    head: int | None = None
    dimension: int | None = None
    grid: bool = False


@dataclass(frozen=True)
class OperatorPicture:
    """A map of an operator, or what crosses its faces.

    Parameters
    ----------
    map : RegisteredMap or None
        The map, if one was asked for.
    faces : Faces or None
        The faces, if they or the grid were asked for.
    boundary : str
        The network's boundary condition: what stands beyond the border of what it sees.
    """

    map: Any
    faces: Any
    boundary: str


@dataclass(frozen=True)
class Weighed:
    """What is known about a restoration, and the restoration.

    Parameters
    ----------
    found : TrustFound
        Maps and sentences.
    restored : numpy.ndarray
        The restored part of the plane, ``(Y, X)`` or ``(Y, X, 3)``, in the image's intensities.
    """

    found: TrustFound
    restored: np.ndarray


def range_key(subject: Subject, config: RestoreConfig) -> Key:
    """Key under which brightness ranges are kept."""
    return ranges_key(subject.source, weights_stamp(config), config.axes, config.normalise)


def measured(subject: Subject, restorer: Restorer) -> Iterator[Any]:
    """Measure the ranges of the stack unless they are known; returns them.

    None if each plane is scaled by itself.
    """
    config = restorer.config
    if subject.ranges is not None or config.normalise == "plane":
        return subject.ranges
    key, ranges = range_key(subject, config), restorer.ranges(subject.source)
    yield CacheUpdate(key, ranges)
    return ranges


def looking_inside(
    subject: Subject,
    config: RestoreConfig,
    models: LoadedModels,
    request: OperatorRequest,
    known: Callable[[], tuple[Key, OperatorMaps | None]],
) -> Iterator[Any]:
    """Compute one map of one operator; `known` finds what the network gave, or where to keep it."""
    from dgno_core.interpretation.operator_maps import operator_maps
    from dgno_core.interpretation.view import read_view

    take_threads()

    key, maps = known()
    if maps is None:
        restorer, region = models.restorer(config), subject.region
        ranges = yield from measured(subject, restorer)
        view = read_view(
            subject.source,
            restorer,
            region.position,
            (region.y, region.x),
            channel=subject.channel,
            ranges=ranges,
        )
        yield AnalysisProgressed(1, 3)
        maps = operator_maps(view, request.scale, request.iteration)
        yield CacheUpdate(key, maps)
    yield AnalysisProgressed(2, 3)
    on_faces = request.shown.startswith("face_")
    picture = None if on_faces else maps.map(request.shown, request.head, request.dimension)
    faces = maps.faces(request.head) if on_faces or request.grid else None
    yield ResultReady(OperatorPicture(picture, faces, maps.spec.boundary))


def attributing(
    subject: Subject,
    configs: Sequence[RestoreConfig],
    models: LoadedModels,
    window: Window,
    settings: LamSettings,
) -> Iterator[Any]:
    """Attribute the edges in a box to the pixels around it, for one model or two."""
    from dgno_core.interpretation.lam import LamFound, lam_events, read_neighbourhood

    take_threads()

    found = []
    # Both models look at the same pixels, or their numbers could not be compared.
    restorers = [models.restorer(config) for config in configs]
    cards = [card_of(restorer, subject) for restorer in restorers]
    grid = lcm(*(card.multiple for card in cards))
    for number, (restorer, card) in enumerate(zip(restorers, cards, strict=True)):
        first = number == 0
        ranges = (yield from measured(subject, restorer)) if first else None
        view = read_neighbourhood(
            subject.source,
            window,
            settings,
            restorer,
            subject.region.position,
            channel=subject.channel if card.channels == 1 else 0,
            ranges=ranges,
            grid=grid,
        )
        for event in lam_events(view, window, settings, grid=grid):
            match event:
                case AnalysisProgressed(done, total):
                    yield AnalysisProgressed(number * total + done, len(configs) * total)
                case LamFound(attribution):
                    found.append(attribution)
                case _:
                    yield event
    yield ResultReady(tuple(found))


def card_of(restorer: Restorer, subject: Subject) -> ModelCard:
    """Return the card of the model that would look at the image."""
    source = subject.source
    return restorer.network(colour=is_colour(source.axes, source.shape, source.dtype)).card


def weighing_trust(
    subject: Subject,
    configs: Sequence[RestoreConfig],
    models: LoadedModels,
    pixel_size_um: float | None,
) -> Iterator[Any]:
    """Find out where the restored image can be trusted."""
    from dgno_core.interpretation.trust import SURROUNDINGS, TrustFound, trust_events
    from dgno_core.interpretation.view import read_view

    take_threads()

    config, region = configs[0], subject.region
    restorer = models.restorer(config)
    ranges = yield from measured(subject, restorer)
    view = read_view(
        subject.source,
        restorer,
        region.position,
        (region.y, region.x),
        channel=subject.channel,
        ranges=ranges,
        surroundings=SURROUNDINGS,
    )
    second = None
    if len(configs) > 1:
        second = models.restorer(configs[1]).network(colour=len(view.pixels) == 3)
    for event in trust_events(view, second, pixel_size_um=pixel_size_um, config=config):
        if isinstance(event, TrustFound):
            restored = view.limits.invert(event.restored, view.dtype)
            grey = len(restored) == 1
            yield ResultReady(Weighed(event, restored[0] if grey else np.moveaxis(restored, 0, -1)))
        else:
            yield event
