"""Progress on stderr: a bar in a terminal, else a line now and then, as a job's log can hold it."""

from __future__ import annotations

import time
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

# Seconds between two lines where stderr is no terminal: at least, where a tenth of the work was
# done, and at most. Short work stays silent, and so does work in one step, however slow.
LEAST, MOST = 10.0, 60.0


class Bar:
    """One line of progress, used as a context manager.

    Parameters
    ----------
    title
        What is being done, at most a few words.
    is_quiet
        Show nothing at all.
    """

    def __init__(self, title: str, *, is_quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=is_quiet)
        self._title = title
        self._pace = Pace()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            refresh_per_second=4,  # drawing takes time from the work
            disable=is_quiet or not self._console.is_terminal,
            expand=True,
        )
        self._task: TaskID = self._progress.add_task(title, total=None, note="")

    def __enter__(self) -> Bar:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()

    def update(self, done: int, total: int, note: str = "") -> None:
        """Set the bar to `done` of `total` steps, with a word behind it."""
        self._progress.update(self._task, completed=done, total=total, note=note)
        if self._progress.disable and (left := self._pace.due(done, total)) is not None:
            words = [f"{self._title}: {done} of {total}", f"{100 * done // max(total, 1)} %"]
            self.say(", ".join([*words, *filter(None, (note, left))]))

    def say(self, message: str) -> None:
        """Print one line above the bar, on stderr also without a terminal."""
        self._console.print(message, markup=False, highlight=False, soft_wrap=True)


class Pace:
    """When it is time for another line, and how long the rest will take."""

    def __init__(self) -> None:
        self._seen: int | None = None
        self._began = self._told = 0.0
        self._first = self._told_at = 0

    def due(self, done: int, total: int) -> str | None:
        """Say what time is left, where a line is due; else None.

        Parameters
        ----------
        done, total
            Steps. Fewer than before means that something else is counted now.
        """
        now = time.monotonic()
        if self._seen is None:
            self._told = now
        if self._seen is None or done < self._seen:
            self._began, self._first, self._told_at = now, done, done
        self._seen = done
        waited = now - self._told
        # No rate is known before the first step, and after the last the result is printed.
        is_under_way = self._told_at < done < total
        is_far = (done - self._told_at) * 10 >= total
        if not is_under_way or waited < LEAST or (waited < MOST and not is_far):
            return None
        self._told, self._told_at = now, done
        left = (now - self._began) / (done - self._first) * (total - done)
        return f"about {timedelta(seconds=round(left))} left"
