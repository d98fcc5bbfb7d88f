"""Runs the core's generators in napari's worker threads.

Everything slow happens in the thread: importing torch, loading the model, restoring. The thread
only sends events; what they mean to the window is the panel's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from napari.qt.threading import GeneratorWorker, create_worker

#: Seconds between two progress events: the window redraws for them at most ten times a second.
INTERVAL = 0.1


@dataclass(frozen=True)
class Failed:
    """The run ended with an error.

    An event, not an exception: Qt's worker swallows RuntimeErrors, which is what torch raises.
    """

    error: Exception


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
        Generator function, such as `napari_dgno.restore.work.restoring`.
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
