"""How long a run still takes, in words."""

from __future__ import annotations

import time
from collections.abc import Callable

#: No forecast before this many seconds and pieces: the first piece pays for warming up.
_LEAST_SECONDS = 1.0
_LEAST_PIECES = 2


class TimeLeft:
    """Forecasts the end of a run from the pieces done so far.

    Parameters
    ----------
    clock : callable
        Current time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def seconds(self, done: int, total: int) -> float | None:
        """Seconds that ``total - done`` more pieces take, or None while it is too early to say."""
        elapsed = self.elapsed
        if done < min(_LEAST_PIECES, total) or elapsed < _LEAST_SECONDS:
            return None
        return elapsed * (total - done) / done


def in_words(seconds: float) -> str:
    """Write a duration the way people say it, e.g. ``"45 s"``, ``"3 min"``, ``"1 h 20 min"``."""
    if seconds < 1:
        return "less than 1 s"
    if seconds < 60:
        return f"{round(seconds)} s" if seconds < 10 else f"{5 * round(seconds / 5)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{round(hours / 24)} days"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
