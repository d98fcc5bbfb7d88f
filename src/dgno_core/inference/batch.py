"""Restoring many images: one generator of events; an image that fails does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from dgno_core.errors import explain_error
from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.events import Restored, RestoreEvent
from dgno_core.inference.outputs import ImageTask
from dgno_core.inference.restorer import Restorer
from dgno_core.io.atomic import writing
from dgno_core.io.file_sinks import FileSink
from dgno_core.io.provenance import Provenance
from dgno_core.io.read import read_image
from dgno_core.io.sinks import open_sink
from dgno_core.io.source import ImageSource
from dgno_core.io.targets import check_folder


@dataclass(frozen=True)
class ImageStarted:
    """An image is begun, the `number`-th of `total`, counted from 1."""

    task: ImageTask
    number: int
    total: int


@dataclass(frozen=True)
class ImageProgressed:
    """An event of the image that is being restored."""

    task: ImageTask
    event: RestoreEvent


@dataclass(frozen=True)
class ImageRestored:
    """An image is written, with its record beside it."""

    task: ImageTask
    provenance: Provenance
    seconds: float


@dataclass(frozen=True)
class ImageSkipped:
    """An image had been restored before, from the same input in the same way."""

    task: ImageTask


@dataclass(frozen=True)
class ImageFailed:
    """An image could not be restored; `message` is a sentence for the user."""

    task: ImageTask
    message: str
    seconds: float


@dataclass(frozen=True)
class BatchFinished:
    """All images have had their turn."""

    restored: int = 0
    skipped: int = 0
    failed: int = 0


BatchEvent = (
    ImageStarted | ImageProgressed | ImageRestored | ImageSkipped | ImageFailed | BatchFinished
)


def batch_events(
    tasks: Sequence[ImageTask], config: RestoreConfig = DEFAULTS
) -> Generator[BatchEvent, None, None]:
    """Restore images into their files, one after the other.

    Closing the generator keeps the finished images and removes the partial output of the one that
    is being restored. Folders for the results are made, and removed again if they stay empty.

    Parameters
    ----------
    tasks
        What `plan_outputs` decided.
    config
        The settings, the same for all.

    Yields
    ------
    BatchEvent
        Last of all `BatchFinished`.

    Raises
    ------
    DGNOError
        If a folder cannot be made. A problem of an image is an event.
    """
    check_folders(tasks)
    counts, restorer = BatchFinished(), Restorer.of(config)
    with _folders({task.target.parent for task in tasks if not task.is_done}):
        for number, task in enumerate(tasks, 1):
            if task.is_done:
                counts = replace(counts, skipped=counts.skipped + 1)
                yield ImageSkipped(task)
                continue
            yield ImageStarted(task, number, len(tasks))
            began = time.perf_counter()
            try:
                provenance = yield from _restore(task, restorer)
            except Exception as error:
                message = explain_error(error)
                if message is None:
                    raise
                counts = replace(counts, failed=counts.failed + 1)
                yield ImageFailed(task, message, time.perf_counter() - began)
            else:
                counts = replace(counts, restored=counts.restored + 1)
                yield ImageRestored(task, provenance, time.perf_counter() - began)
    yield counts


def _restore(task: ImageTask, restorer: Restorer) -> Generator[ImageProgressed, None, Provenance]:
    """Restore one image into its file."""
    source, sink = open_task(task, restorer.config)
    # Leaving early closes the inner generator, which aborts the sink.
    with closing(restorer.events(source, sink)) as events:
        for event in events:
            if isinstance(event, Restored):
                return event.provenance
            yield ImageProgressed(task, event)
    raise RuntimeError("the restoration ended without a result")


def open_task(task: ImageTask, config: RestoreConfig) -> tuple[ImageSource, FileSink]:
    """Open an image and its target, with every check that these allow; nothing is written.

    Raises
    ------
    DGNOError
        If the image cannot be restored, or the target cannot be written or does not fit it.
    """
    source = read_image(task.source, config.axes, series=config.series)
    source.check()  # its own faults before those that a format finds in it
    sink = open_sink(
        task.target, source, source.dtype, overwrite=task.may_replace, makes_folder=True
    )
    return source, sink


def check_folders(tasks: Sequence[ImageTask]) -> None:
    """Check that the folders of the results are there or can be made.

    Raises
    ------
    DGNOError
        If one cannot.
    """
    for folder in {task.target.parent for task in tasks if not task.is_done}:
        check_folder(folder)


@contextmanager
def _folders(wanted: set[Path]) -> Iterator[None]:
    """Make folders; afterwards remove those that were made and are empty."""
    levels = {level for folder in wanted for level in (folder, *folder.parents)}
    made = sorted((level for level in levels if not level.exists()), reverse=True)  # inner first
    try:
        for folder in wanted:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for level in made:
            if level.is_dir() and not any(level.iterdir()):
                level.rmdir()
