"""The restoration itself: one generator of events for the shell, the script and the window."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dgno_core.inference.config import RestoreConfig
from dgno_core.inference.events import (
    PlaneRestored,
    Restored,
    RestoreEvent,
    RestoreStarted,
    RestoreWarned,
    TileRestored,
)
from dgno_core.inference.fallback import smaller_attempt
from dgno_core.inference.predictor import Predictor, TileTooLargeError
from dgno_core.inference.prepared import PreparedImage
from dgno_core.inference.survey import PlanesSeen, Survey, first_attempt, survey
from dgno_core.inference.tiles import TilePlan
from dgno_core.io.atomic import discard
from dgno_core.io.content import path_hash
from dgno_core.io.file_sinks import FileSink
from dgno_core.io.normalise import IntensityRange
from dgno_core.io.provenance import Provenance, SourceRecord, beside, now, program_version, versions
from dgno_core.io.sinks import ArraySink, ImageSink
from dgno_core.io.source import ImageSource


def restore_prepared(
    image: PreparedImage, sink: ImageSink | None = None
) -> Generator[RestoreEvent, None, Restored]:
    """Restore an image plane by plane; see `dgno_core.inference.restorer.Restorer.events`.

    The last event is returned, not yielded: once it is out, nothing may undo the result.
    """
    if sink is None:
        sink = ArraySink(image.source.shape, image.source.dtype)
    with image.network.evaluating():
        provenance = yield from _restore(image, sink)
    return Restored(sink.result, provenance)


def _restore(image: PreparedImage, sink: ImageSink) -> Generator[RestoreEvent, None, Provenance]:
    """Restore with tiles that fit the memory, and make the result final."""
    told: list[str] = []
    tile, notes = first_attempt(image, sink)
    surveyed: Survey | None = None
    while True:
        told += notes
        yield from map(RestoreWarned, notes)
        plan = image.plan(tile)
        planes = len(image.layout)
        tiles = planes * len(image.groups) * len(plan.tiles)
        yield RestoreStarted(planes, tiles, tile, str(image.network.device), image.network.name)
        if surveyed is None:
            surveyed = yield from survey(image)
            told += surveyed.warnings
            yield from map(RestoreWarned, surveyed.warnings)
        try:
            ends = yield from _restore_planes(image, plan, surveyed.ranges, sink, tiles)
            break
        except TileTooLargeError:
            pass  # handled outside, where the traceback no longer keeps the tensors alive
        tile, notes = smaller_attempt(image.network, image.layout, image.config, tile)
    told += ends
    yield from map(RestoreWarned, ends)
    path = sink.result if isinstance(sink.result, Path) else None
    provenance = describe(image.source, image.network, image.config, tile, path, told, sink.axes)
    if path is None:
        sink.close()
        return provenance
    return _publish(sink, path, provenance)


def _publish(sink: ImageSink, path: Path, provenance: Provenance) -> Provenance:
    """Give a file and its record their names."""
    # The record comes first: a result without one would be worse than the reverse. It tells which
    # file it is of, should the work be killed before that has its name.
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
    image: PreparedImage,
    plan: TilePlan,
    ranges: tuple[IntensityRange, ...] | None,
    sink: ImageSink,
    total: int,
) -> Generator[RestoreEvent, None, list[str]]:
    """Restore and write all planes with one tile plan; returns what to know of them afterwards."""
    seen = PlanesSeen()
    progress = (TileRestored(done, total) for done in count(1))
    for number, position in enumerate(image.layout.positions(), 1):
        samples = image.read(position)
        limits = image.plane_ranges(position, samples, ranges)
        seen.add(image, samples, limits)
        restored: NDArray[Any] = yield from image.restore_plane(samples, limits, plan, progress)
        sink.write(image.layout.index(position), image.layout.join(restored))
        yield PlaneRestored(position, number, len(image.layout))
    return seen.notes(image)


def describe(
    source: ImageSource,
    network: Predictor,
    config: RestoreConfig,
    tile: int,
    output: Path | None,
    warnings: list[str],
    axes: str | None = None,
) -> Provenance:
    """Describe a restoration as it was done: with the model, tile and device really used."""
    import torch

    done = config.changed(
        model=network.name,
        tile=tile,
        device=str(network.device),
        # "auto" is a packaged model; by its name another could be found in the folder.
        model_folder=None if config.model == "auto" else config.model_folder,
    )
    threads = torch.get_num_threads()
    command = done.command([source.path or source.name], output or "restored.tif")
    if network.device.type == "cpu":  # there, another number of threads sums in another order
        command += f" --threads {threads}"
    return Provenance(
        version=program_version(),
        created=now(),
        source=SourceRecord.of(source, limit=None),  # little beside restoring it
        axes=axes,
        model=network.name,
        weights_sha256=network.card.weights_sha256 or None,
        settings=done.model_dump(mode="json"),
        tile=tile,
        wanted_tile=config.tile or network.card.tile,
        device=str(network.device),
        versions=versions("napari-dgno", "torch", "numpy") | {"torch threads": str(threads)},
        command=command,
        warnings=warnings,
    )
