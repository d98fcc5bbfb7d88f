"""What restoring would take and say, without doing it: axes, model, tiles, memory, time."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from dgno_core.errors import explain_error
from dgno_core.inference.batch import (
    BatchFinished,
    ImageFailed,
    ImageProgressed,
    ImageSkipped,
    ImageStarted,
    check_folders,
    open_task,
)
from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.events import PlaneMeasured
from dgno_core.inference.fallback import smaller_attempt
from dgno_core.inference.outputs import ImageTask
from dgno_core.inference.predictor import Predictor, TileTooLargeError
from dgno_core.inference.prepared import PreparedImage
from dgno_core.inference.restorer import Restorer
from dgno_core.inference.room import restoration_bytes
from dgno_core.inference.survey import first_attempt, foresee
from dgno_core.inference.tiles import TilePlan


@dataclass(frozen=True)
class ImagePlanned:
    """What restoring an image would take.

    Attributes
    ----------
    task
        The image and its target.
    axes, shape, dtype
        How the image was read.
    model, device
        What would restore it, and where.
    tile
        Largest edge of a tile in pixels.
    planes, tiles
        How many there are; `tiles` counts those of all planes.
    bytes
        Estimate of the memory of a plane and a tile, on top of the program and the weights.
    seconds
        Tiles times the seconds that one took here and now; reading and writing come on top.
    warnings
        What the user should know before: all that the run would say.
    """

    task: ImageTask
    axes: str
    shape: tuple[int, ...]
    dtype: str
    model: str
    device: str
    tile: int
    planes: int
    tiles: int
    bytes: int
    seconds: float
    warnings: tuple[str, ...]


PlanEvent = (
    ImageStarted | ImageProgressed | ImagePlanned | ImageSkipped | ImageFailed | BatchFinished
)


def plan_events(
    tasks: Sequence[ImageTask], config: RestoreConfig = DEFAULTS
) -> Generator[PlanEvent, None, None]:
    """Say for each image what restoring it would take; nothing is written.

    The images, models and targets go through the checks of `batch_events`, the planes are read as
    there, and one tile of each size is restored, of noise.

    Parameters
    ----------
    tasks
        What `plan_outputs` decided.
    config
        The settings, the same for all.

    Yields
    ------
    PlanEvent
        Last of all `BatchFinished`, in which what was planned counts as restored.

    Raises
    ------
    DGNOError
        If a folder could not be made. A problem of an image is an event.
    """
    check_folders(tasks)
    timed: dict[tuple[object, ...], float] = {}
    restorer = Restorer.of(config)
    planned, skipped, failed = 0, 0, 0
    for number, task in enumerate(tasks, 1):
        if task.is_done:
            skipped += 1
            yield ImageSkipped(task)
            continue
        yield ImageStarted(task, number, len(tasks))
        began = time.perf_counter()
        try:
            event = yield from _reported(task, _plan(task, restorer, timed))
        except Exception as error:
            message = explain_error(error)
            if message is None:
                raise
            failed += 1
            yield ImageFailed(task, message, time.perf_counter() - began)
        else:
            planned += 1
            yield event
    yield BatchFinished(planned, skipped, failed)


def _plan(
    task: ImageTask, restorer: Restorer, timed: dict[tuple[object, ...], float]
) -> Generator[PlaneMeasured, None, ImagePlanned]:
    """Plan one image; `timed` keeps the seconds of tiles that were alike."""
    source, sink = open_task(task, restorer.config)
    image = restorer.prepare(source)
    network = image.network
    tile, warnings = first_attempt(image, sink)
    while True:
        plan = image.plan(tile)
        shape = _window_shape(image, plan)
        key = (network.name, str(network.device), shape)
        try:
            if key not in timed:
                timed[key] = time_tile(network, shape)
            break
        except TileTooLargeError:
            tile, notes = smaller_attempt(network, image.layout, image.config, tile)
            warnings += notes
    warnings += yield from foresee(image)
    tiles = len(image.layout) * len(image.groups) * len(plan.tiles)
    return ImagePlanned(
        task,
        axes=image.source.axes,
        shape=image.source.shape,
        dtype=str(image.source.dtype),
        model=network.name,
        device=str(network.device),
        tile=tile,
        planes=len(image.layout),
        tiles=tiles,
        bytes=restoration_bytes(image, tile),
        seconds=tiles * timed[key],
        warnings=tuple(warnings),
    )


def _reported(
    task: ImageTask, work: Generator[PlaneMeasured, None, ImagePlanned]
) -> Generator[ImageProgressed, None, ImagePlanned]:
    """Report the events of planning an image as its own."""
    while True:
        try:
            yield ImageProgressed(task, next(work))
        except StopIteration as finished:
            planned: ImagePlanned = finished.value
            return planned


def time_tile(network: Predictor, shape: tuple[int, int, int]) -> float:
    """Seconds of restoring one window ``(C, Y, X)``; the first pass only warms up.

    Raises
    ------
    TileTooLargeError
        If memory runs out.
    """
    window = np.random.default_rng(0).random(shape, np.float32)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        network.forward(window)
        seconds.append(time.perf_counter() - began)
    return seconds[-1]


def _window_shape(image: PreparedImage, plan: TilePlan) -> tuple[int, int, int]:
    rows, columns = plan.tiles[0].window
    group = image.groups[0]
    return group.stop - group.start, rows.stop - rows.start, columns.stop - columns.start
