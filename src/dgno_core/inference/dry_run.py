"""What restoring would take, without doing it: axes, model, tiles, memory, time."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from dgno_core.errors import explain_error
from dgno_core.inference.batch import BatchFinished, ImageFailed, ImageSkipped
from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.fallback import smaller_attempt, starting_tile
from dgno_core.inference.misgivings import misgivings
from dgno_core.inference.network import Network, TileTooLargeError
from dgno_core.inference.outputs import ImageTask
from dgno_core.inference.restore import Job, plan_job
from dgno_core.inference.room import check_restoration, restoration_bytes
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
        What the user should know before.
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


PlanEvent = ImagePlanned | ImageSkipped | ImageFailed | BatchFinished


def plan_events(
    tasks: Sequence[ImageTask], config: RestoreConfig = DEFAULTS
) -> Generator[PlanEvent, None, None]:
    """Say for each image what restoring it would take; nothing is written.

    Headers are read, models are loaded, and one tile of each size is restored, of noise.

    Parameters
    ----------
    tasks
        What `plan_outputs` decided.
    config
        The settings, the same for all.

    Yields
    ------
    PlanEvent
        One for each image, and `BatchFinished`, in which what was planned counts as restored.
    """
    timed: dict[tuple[object, ...], float] = {}
    planned, skipped, failed = 0, 0, 0
    for task in tasks:
        if task.is_done:
            skipped += 1
            yield ImageSkipped(task)
            continue
        began = time.perf_counter()
        try:
            event = _plan(task, config, timed)
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
    task: ImageTask, config: RestoreConfig, timed: dict[tuple[object, ...], float]
) -> ImagePlanned:
    """Plan one image; `timed` keeps the seconds of tiles that were alike."""
    job = plan_job(task.source, config)
    network = job.network
    tile, notes = starting_tile(network, job.layout, config)
    check_restoration(job, tile)
    warnings = [*job.source.warnings, *misgivings(job), *notes]
    while True:
        plan = job.plan(tile)
        shape = _window_shape(job, plan)
        key = (network.name, str(network.device), shape)
        try:
            if key not in timed:
                timed[key] = time_tile(network, shape)
            break
        except TileTooLargeError:
            tile, notes = smaller_attempt(network, job.layout, config, tile)
            warnings += notes
    tiles = len(job.layout) * len(job.groups) * len(plan.tiles)
    return ImagePlanned(
        task,
        axes=job.source.axes,
        shape=job.source.shape,
        dtype=str(job.source.dtype),
        model=network.name,
        device=str(network.device),
        tile=tile,
        planes=len(job.layout),
        tiles=tiles,
        bytes=restoration_bytes(job, tile),
        seconds=tiles * timed[key],
        warnings=tuple(warnings),
    )


def time_tile(network: Network, shape: tuple[int, int, int]) -> float:
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


def _window_shape(job: Job, plan: TilePlan) -> tuple[int, int, int]:
    rows, columns = plan.tiles[0].window
    group = job.groups[0]
    return group.stop - group.start, rows.stop - rows.start, columns.stop - columns.start
