"""What a run leaves behind while it runs: every event, a table of scores, TensorBoard."""

from __future__ import annotations

import csv
import importlib.util
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dgno_core.io.atomic import writing
from dgno_core.training.events import StepDone, TrainEvent, Validated
from dgno_core.training.runs.files import LOG, TABLE

COLUMNS = ("step", "loss", "lr", "seconds", "waited", "blurred", "psnr", "ssim")


class Logs:
    """Files of a run's events: ``log.jsonl``, ``log.csv`` and, if installed, TensorBoard.

    Lines are only ever added, each written out at once, so a killed process loses none. After a
    resume the steps since the last checkpoint appear twice; the later line counts.

    Parameters
    ----------
    folder : Path
        The run's folder.
    tensorboard : bool
        Whether to write TensorBoard files where the package is there.
    """

    def __init__(self, folder: Path, *, tensorboard: bool) -> None:
        self.folder, self.tensorboard = folder, tensorboard
        self._board: Any = None

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._lines = self._stack.enter_context(_appended(self.folder / LOG))
        table = self.folder / TABLE
        is_new = not table.exists()
        self._table = self._stack.enter_context(_appended(table))
        self._rows = csv.DictWriter(self._table, COLUMNS, extrasaction="ignore")
        if is_new:
            self._rows.writeheader()
        if self.tensorboard and importlib.util.find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self.folder))
            self._stack.callback(self._board.close)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def write(self, event: TrainEvent) -> None:
        """Log one event.

        Raises
        ------
        DGNOError
            If the disk is full, for example.
        """
        with writing(self.folder):
            self._lines.write(event.to_json() + "\n")
            self._lines.flush()
            if not isinstance(event, StepDone | Validated):
                return
            values = event.to_dict()
            self._rows.writerow(values)
            self._table.flush()
        if self._board is not None:
            for name in set(COLUMNS[1:]) & values.keys():
                self._board.add_scalar(name, values[name], values["step"])


def _appended(path: Path) -> Any:
    """A text file to add lines to; a line that a killed process left half-written is ended."""
    file = path.open("a+", encoding="utf-8", newline="")
    file.seek(0, 2)
    if file.tell():
        file.seek(file.tell() - 1)
        if file.read(1) not in ("\n", ""):
            file.write("\n")
    return file
