"""Runs the core's generators in napari's worker threads.

Everything slow happens in the thread: importing torch, loading the model, restoring. The thread
only sends events; what they mean to the window is the panel's business.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.qt.threading import GeneratorWorker, create_worker

from dgno_core.errors import DGNOError
from napari_dgno._command import command_text
from napari_dgno._known import Known, is_whole
from napari_dgno._layers import Region
from napari_dgno._measured import Measured
from napari_dgno._threads import take_threads

if TYPE_CHECKING:
    from dgno_core.inference import RestoreConfig
    from dgno_core.io import ImageSource

#: Seconds between two progress events: the window redraws for them at most ten times a second.
INTERVAL = 0.1
#: A result in memory may take this share of what is free.
MEMORY_SHARE = 0.8


@dataclass(frozen=True)
class Failed:
    """The run ended with an error.

    An event, not an exception: Qt's worker swallows RuntimeErrors, which is what torch raises.
    """

    error: Exception


@dataclass(frozen=True)
class Previewed:
    """The view has been restored.

    Parameters
    ----------
    data : numpy.ndarray
        Restored part of a plane, its axes in the order in which the image has them.
    region : Region
        Where it belongs.
    measured : Measured or None
        The brightness ranges of the stack, to be handed to the next preview.
    model : str
        Name or file of the model that restored it.
    known : Known or None
        The whole result, where the view is all of the image; to be handed to `restoring`.
    """

    data: np.ndarray
    region: Region
    measured: Measured | None = None
    model: str = ""
    known: Known | None = None


@dataclass(frozen=True)
class CommandFound:
    """The shell line is known.

    Parameters
    ----------
    text : str
        See `napari_dgno._command.command_text`.
    """

    text: str


class Throttle:
    """Decides which events reach the window: all but progress that comes too soon after the last.

    Parameters
    ----------
    interval : float
        Least time between two progress events, in seconds.
    clock : callable
        Current time in seconds.
    """

    def __init__(
        self, interval: float = INTERVAL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = interval
        self._clock = clock
        self._last = float("-inf")

    def passes(self, event: Any) -> bool:
        """Whether to show this event now."""
        now = self._clock()
        done, total = getattr(event, "done", None), getattr(event, "total", None)
        unfinished = done is not None and total is not None and done < total
        if unfinished and now - self._last < self._interval:
            return False
        self._last = now
        return True


class EventWorker(GeneratorWorker):
    """Sends a generator's events to the window, and closes it as soon as it was asked to stop.

    napari's own worker leaves the generator to the garbage collector, at any time and in any
    thread. Closing it here is what makes the core drop a half-written result at once.
    """

    def work(self) -> None:
        """Run to the end, to the first event after `quit`, or to the first error.

        What goes wrong once it was asked to stop is no error: the stopping may well be the cause.
        """
        throttle = Throttle()
        try:
            with closing(self._gen):
                while not self.abort_requested:
                    event = next(self._gen, None)
                    if event is None:
                        return
                    if not self.abort_requested and throttle.passes(event):
                        self.yielded.emit(event)
            self.aborted.emit()
        except Exception as error:
            if self.abort_requested:
                self.aborted.emit()  # nobody waits for it any more
            else:
                self.yielded.emit(Failed(error))


def check_fits(source: ImageSource, free: int) -> None:
    """Refuse a result that would fill nearly all of the `free` bytes of memory.

    Raises
    ------
    DGNOError
        If it needs more than `MEMORY_SHARE` of them.
    """
    needed = math.prod(source.shape) * source.dtype.itemsize
    if needed > MEMORY_SHARE * free:
        raise DGNOError(
            f"The restored {source.name!r} needs {needed / 1e9:.1f} GB, but only "
            f"{free / 1e9:.1f} GB of memory are free: press Copy command and run that in a "
            "terminal, where the result goes to a file plane by plane."
        )


def restoring(
    source: ImageSource, config: RestoreConfig, known: Known | None = None
) -> Iterator[Any]:
    """Restore a whole image into memory; see `dgno_core.inference.Restorer.events`.

    What a preview has restored already is taken from there, if it still holds.

    Raises
    ------
    DGNOError
        Also if the result would not fit into memory.
    """
    import psutil

    from dgno_core.inference import Restorer

    if known is not None and known.holds_for(source, config):
        yield known.restored
        return
    check_fits(source, psutil.virtual_memory().available)
    take_threads()
    yield from Restorer.of(config).events(source)


def previewing(
    source: ImageSource,
    config: RestoreConfig,
    region: Region,
    measured: Measured | None = None,
) -> Iterator[Any]:
    """Restore the part of a plane that is on screen; what to know is said as in `restoring`.

    The first preview of a stack measures its brightness range, which reads all of it; what an
    earlier `Previewed` measured saves that while it still holds.
    """
    from dgno_core.inference import RegionRestored, Restored, Restorer

    take_threads()
    restorer = Restorer.of(config)
    if is_whole(source, region):
        for event in restorer.events(source):
            if not isinstance(event, Restored):
                yield event
                continue
            known = Known.of(source, config, event)
            yield Previewed(np.asarray(event.data), region, None, event.provenance.model, known)
        return
    if measured is not None and not measured.hold_for(source, config):
        measured = None
    ranges = None if measured is None or config.normalise == "plane" else measured.ranges
    place = (region.y, region.x)
    for event in restorer.region_events(source, place, region.position, ranges=ranges):
        if not isinstance(event, RegionRestored):
            yield event
            continue
        found = event.ranges
        kept = None if found is None else Measured.of(source, config, found)
        yield Previewed(event.data, region, kept, event.model)


def finding_command(source: ImageSource, config: RestoreConfig) -> Iterator[Any]:
    """Find the shell line; opening the file to compare it with the layer may take a while."""
    yield CommandFound(command_text(source, config))


def start(
    generator: Callable[..., Iterator[Any]],
    *args: Any,
    on_event: Callable[[Any], None],
    on_finished: Callable[[], None],
) -> EventWorker:
    """Start a generator in a worker thread.

    Parameters
    ----------
    generator : callable
        Generator function, such as `restoring`.
    *args
        Its arguments.
    on_event : callable
        Called in the window's thread with each event; an error comes as `Failed`.
    on_finished : callable
        Called in the window's thread when the thread is done, for whatever reason.

    Returns
    -------
    EventWorker
        Its ``quit()`` cancels.
    """
    return create_worker(
        generator,
        *args,
        _worker_class=EventWorker,
        _start_thread=True,
        _connect={"yielded": on_event, "finished": on_finished},
    )
