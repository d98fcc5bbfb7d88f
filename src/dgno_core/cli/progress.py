"""The progress bar on stderr, with the time left; silent where stderr is no terminal."""

from __future__ import annotations

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


class Bar:
    """One line of progress, used as a context manager.

    Parameters
    ----------
    title
        What is being done, at most a few words.
    """

    def __init__(self, title: str) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            refresh_per_second=4,  # drawing takes time from the work
            disable=not console.is_terminal,
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

    def say(self, message: str) -> None:
        """Print one line above the bar, on stderr also without a terminal."""
        self._progress.console.print(message, markup=False, highlight=False, soft_wrap=True)
