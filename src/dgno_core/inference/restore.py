"""The restoration itself: one generator of events for the shell, the script and the window."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError, RestoreWarning
from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.events import (
    PlaneRestored,
    Restored,
    RestoreEvent,
    RestoreStarted,
    RestoreWarned,
    TileRestored,
)
from dgno_core.inference.fallback import smaller_attempt
from dgno_core.inference.gaps import fill_gaps
from dgno_core.inference.network import Network, TileTooLargeError, load_network
from dgno_core.inference.record import describe
from dgno_core.inference.survey import (
    PlanesSeen,
    Survey,
    card_ranges,
    first_attempt,
    is_flat,
    survey,
)
from dgno_core.inference.tiles import TilePlan, plan_tiles
from dgno_core.io.atomic import discard
from dgno_core.io.axes import PlaneLayout, is_colour
from dgno_core.io.content import path_hash
from dgno_core.io.file_sinks import FileSink
from dgno_core.io.normalise import IntensityRange, RangeEstimator
from dgno_core.io.provenance import Provenance, beside
from dgno_core.io.read import read_image
from dgno_core.io.sinks import ArraySink, ImageSink
from dgno_core.io.source import ArrayLike, ImageSource, NotFiniteError, as_source

if TYPE_CHECKING:
    from torch import nn


Source = ImageSource | ArrayLike | str | Path

KEEP_GAPS = (
    "or leave these pixels as they are and restore the others: --nonfinite keep in a shell, "
    "nonfinite='keep' in Python, Advanced in the Restore panel"
)


@dataclass(frozen=True)
class Job:
    """One image, one network, and how the first falls into what the second takes."""

    source: ImageSource
    layout: PlaneLayout
    network: Network
    config: RestoreConfig

    @property
    def is_joint(self) -> bool:
        """Whether the three colours go through the network together."""
        return self.network.card.channels == 3

    @property
    def groups(self) -> tuple[slice, ...]:
        """Which samples of a plane go through the network at a time."""
        step = 3 if self.is_joint else 1
        return tuple(slice(i, i + step) for i in range(0, self.layout.colours, step))

    def plan(self, tile: int) -> TilePlan:
        """Plan the tiles of each plane."""
        card = self.network.card
        shape = (self.layout.height, self.layout.width)
        return plan_tiles(shape, tile, card.halo, card.multiple)

    def read(self, position: tuple[int, ...]) -> NDArray[Any]:
        """Read the plane at `position` as ``(samples, Y, X)``, as it was recorded."""
        index = self.layout.index(position)
        if self.config.nonfinite == "keep":
            return self.layout.split(self.source.load(index))
        try:
            return self.layout.split(self.source.read(index))
        except NotFiniteError as error:
            raise DGNOError(f"{error}; {KEEP_GAPS}.") from None

    def restore_plane(
        self,
        samples: NDArray[Any],
        ranges: tuple[IntensityRange, ...],
        plan: TilePlan,
    ) -> Generator[None, None, NDArray[Any]]:
        """Restore the samples of one plane; yields after each tile.

        Where a channel is constant there is nothing to restore, and it stays as it is. So do an
        opacity and pixels that are no numbers.
        """
        filled = fill_gaps(samples)
        restored = samples.copy()
        for group, limits in zip(self.groups, ranges, strict=True):
            part = filled.samples[group]
            if is_flat(part, limits):
                for _ in plan.tiles:
                    yield
                continue
            scaled = yield from self.network.restore_plane(limits.apply(part), plan)
            restored[group] = limits.invert(scaled, samples.dtype)
        return filled.reopen(restored, samples)

    def plane_ranges(
        self,
        position: tuple[int, ...],
        samples: NDArray[Any],
        ranges: tuple[IntensityRange, ...] | None,
    ) -> tuple[IntensityRange, ...]:
        """Return the range of each group of a plane: the stack's, or the plane's own."""
        if ranges is not None:
            return RangeEstimator(self.layout, self.is_joint).at(ranges, position)
        estimator = RangeEstimator(self.layout.alone(), self.is_joint)
        estimator.add((0,) * len(self.layout.outer), samples)
        return card_ranges(estimator, self.network.card, samples.dtype)


def plan_job(
    source: Source, config: RestoreConfig = DEFAULTS, model: nn.Module | None = None
) -> Job:
    """Check the image, load the model, and see how they fit.

    Raises
    ------
    DGNOError
        If the image cannot be restored, the model or device is not there, or a model for
        colour meets an image without.
    """
    image = open_source(source, config.axes, config.series)
    image.check()
    colour = is_colour(image.axes, image.shape, image.dtype)
    network = load_network(config, colour=colour, model=model)
    joint = network.card.channels == 3
    layout = image.layout(colour_model=joint)
    if joint and layout.colours != 3:
        raise DGNOError(
            f"{image.name} has no three colours (axes {image.axes}, shape {image.shape}), which "
            f"the model {network.name} needs; choose a grey model."
        )
    return Job(image, layout, network, config)


def open_source(source: Source, axes: str | None = None, series: int = 0) -> ImageSource:
    """Make a source of an image, an array or a path."""
    if isinstance(source, str | Path):
        return read_image(source, axes, series=series)
    return as_source(source, axes)


def restore_events(
    source: Source,
    config: RestoreConfig = DEFAULTS,
    *,
    sink: ImageSink | None = None,
    model: nn.Module | None = None,
) -> Generator[RestoreEvent, None, None]:
    """Restore an image plane by plane, reporting on the way.

    Closing the generator cancels: the sink is aborted, as after any error, and leaves nothing.
    All planes are done with one size of tile. Should memory run out, the work starts over with
    tiles of half the size, and at last on the CPU; `RestoreWarned` tells, and `RestoreStarted`
    comes again. A given `model` then stays on the CPU.

    Parameters
    ----------
    source
        An image source, an array, or a path.
    config
        The settings.
    sink
        Where the planes go; by default into memory. A sink of a file also gets its provenance
        beside it.
    model
        A model with a card, in place of the one that the settings name.

    Yields
    ------
    RestoreEvent
        Last of all `Restored`.

    Raises
    ------
    DGNOError
        If the image, the model, the device or the output is at fault; nothing is written then.
    """
    try:
        job = plan_job(source, config, model)
        if sink is None:
            sink = ArraySink(job.source.shape, job.source.dtype)
        was_training = job.network.model.training
        job.network.model.eval()
        try:
            provenance = yield from _restore(job, sink)
        finally:
            job.network.model.train(was_training)
    except BaseException as error:
        # Also GeneratorExit and KeyboardInterrupt: whoever leaves early leaves nothing behind.
        if sink is not None:
            sink.abort()
        if isinstance(error, MemoryError):
            name = getattr(source, "name", source if isinstance(source, str | Path) else "image")
            raise DGNOError(
                f"Memory ran out while {name} was restored; close other programs, crop it, or "
                "restore it where there is more memory."
            ) from None
        raise
    yield Restored(sink.result, provenance)


def _restore(job: Job, sink: ImageSink) -> Generator[RestoreEvent, None, Provenance]:
    """Restore with tiles that fit the memory, and make the result final."""
    told: list[str] = []
    tile, notes = first_attempt(job, sink)
    surveyed: Survey | None = None
    while True:
        told += notes
        yield from map(RestoreWarned, notes)
        plan = job.plan(tile)
        planes = len(job.layout)
        tiles = planes * len(job.groups) * len(plan.tiles)
        device = str(job.network.device)
        yield RestoreStarted(planes, tiles, tile, device, job.network.name)
        if surveyed is None:
            surveyed = yield from survey(job)
            told += surveyed.doubts
            yield from map(RestoreWarned, surveyed.doubts)
        try:
            ends = yield from _restore_planes(job, plan, surveyed.ranges, sink, tiles)
            break
        except TileTooLargeError:
            pass  # handled outside, where the traceback no longer keeps the tensors alive
        tile, notes = smaller_attempt(job.network, job.layout, job.config, tile)
    told += ends
    yield from map(RestoreWarned, ends)
    path = sink.result if isinstance(sink.result, Path) else None
    provenance = describe(job.source, job.network, job.config, tile, path, told, sink.axes)
    if path is None:
        sink.close()
    else:
        # The record comes first: a result without one would be worse than the reverse. It tells
        # which file it is of, should the work be killed before that has its name.
        if isinstance(sink, FileSink):
            provenance = provenance.changed(output_sha256=path_hash(sink.complete()))
        record = beside(path)
        before = record.read_bytes() if record.is_file() else None
        provenance.write_beside(path)
        try:
            sink.close()
        except BaseException:
            if before is None:
                discard(record)
            else:
                record.write_bytes(before)
            raise
    return provenance


def _restore_planes(
    job: Job,
    plan: TilePlan,
    ranges: tuple[IntensityRange, ...] | None,
    sink: ImageSink,
    total: int,
) -> Generator[RestoreEvent, None, list[str]]:
    """Restore and write all planes with one tile plan; returns what to know of them afterwards."""
    done, seen = 0, PlanesSeen()
    for count, position in enumerate(job.layout.positions(), 1):
        samples = job.read(position)
        limits = job.plane_ranges(position, samples, ranges)
        seen.add(job, samples, limits)
        work = job.restore_plane(samples, limits, plan)
        while True:
            try:
                next(work)
            except StopIteration as finished:
                restored: NDArray[Any] = finished.value
                break
            done += 1
            yield TileRestored(done, total)
        sink.write(job.layout.index(position), job.layout.join(restored))
        yield PlaneRestored(position, count, len(job.layout))
    return seen.notes(job)


def restore(
    image: Source,
    model: str | Path | nn.Module = "auto",
    *,
    axes: str | None = None,
    device: str = "auto",
    tile: int | None = None,
    **settings: Any,
) -> NDArray[Any]:
    """Restore an image in memory.

    Parameters
    ----------
    image
        An array (numpy, dask, zarr), an image source, or a path.
    model
        A name from `dgno models`, a path, ``auto``, or a loaded model.
    axes
        One letter of ``TPCZYXS`` for each dimension; guessed if not given.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    tile
        Edge of a tile in pixels; by default the model's own.
    **settings
        The other fields of `RestoreConfig`.

    Returns
    -------
    numpy.ndarray
        The restored image, of the shape and type of the input.

    Raises
    ------
    DGNOError
        If the image, the model or the device is at fault.

    Warns
    -----
    RestoreWarning
        What the user should know, such as that the image is outside of what the model is for.
    """
    is_name = isinstance(model, str | Path)
    config = RestoreConfig(
        model=str(model) if is_name else "auto", axes=axes, device=device, tile=tile, **settings
    )
    sink: NDArray[Any] | Path | None = None
    for event in restore_events(image, config, model=None if is_name else model):  # type: ignore[arg-type]
        if isinstance(event, RestoreWarned):
            warnings.warn(event.message, RestoreWarning, stacklevel=2)
        elif isinstance(event, Restored):
            sink = event.data
    assert isinstance(sink, np.ndarray)
    return sink
