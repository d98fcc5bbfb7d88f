"""The list at the top of the Train panel: a new training, and the runs that there are."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal

from dgno_core.errors import DGNOError
from dgno_core.training.runs.run import Run
from napari_dgno.shared.elided_combo import ElidedCombo
from napari_dgno.train import tooltips as tips

NEW = "New training"


class RunList(ElidedCombo):
    """The runs of a folder, the latest first, below the offer to begin a new one."""

    #: The run that the user has chosen, or None for a new training.
    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []
        self.setToolTip(tips.RUN)
        self.addItem(NEW)
        self.activated.connect(self._choose)

    def set_found(self, found: Sequence[tuple[Run, str]], shown: Run | None) -> None:
        """List the runs of a folder, each with a few words; keep those that are known already."""
        known = {run.folder: run for run in self.runs}
        self.runs = [known.get(run.folder, run) for run, _ in found]
        if shown is not None and shown not in self.runs:
            self.runs.insert(0, shown)
        self._fill({run.folder: text for run, text in found}, shown)

    def put_first(self, run: Run) -> None:
        """List a run that has just been started, and choose it."""
        self.runs = [run, *(other for other in self.runs if other.folder != run.folder)]
        self._fill({}, run)

    def replace(self, run: Run, other: Run) -> None:
        """List another run in the place of one, and choose it."""
        self.runs[self.runs.index(run)] = other
        self._fill({other.folder: other.summary()}, other)

    def remove(self, run: Run) -> None:
        """List a run no longer; a new training is chosen then."""
        self.runs = [other for other in self.runs if other is not run]
        self._fill({}, None)

    def select(self, run: Run | None) -> None:
        """Choose a run, or a new training; nobody is told."""
        self.setCurrentIndex(self.runs.index(run) + 1 if run in self.runs else 0)

    def say(self, run: Run, text: str) -> None:
        """Say how a run stands, if it is in the list."""
        if run in self.runs:
            self._set_text(self.runs.index(run) + 1, text)

    def training(self) -> Run | None:
        """Return a run that goes on, if there is one."""
        return next((run for run in self.runs if run.is_alive()), None)

    def check_nothing_trains(self) -> None:
        """Refuse a second training at once.

        Raises
        ------
        DGNOError
            If one goes on.
        """
        run = self.training()
        if run is not None:
            raise DGNOError(
                f"{run.name} is still training: stop it or wait until it has finished; two at "
                "once would slow each other down."
            )

    def _choose(self, index: int) -> None:
        self.chosen.emit(self.runs[index - 1] if index else None)

    def _fill(self, texts: dict[object, str], shown: Run | None) -> None:
        known = {self.itemData(i): self.itemText(i) for i in range(1, self.count())}
        self.clear()
        self.addItem(NEW)
        for run in self.runs:
            text = texts.get(run.folder) or known.get(str(run.folder), run.name)
            self.addItem("", str(run.folder))
            self._set_text(self.count() - 1, text)
        self.select(shown)

    def _set_text(self, index: int, text: str) -> None:
        self.setItemText(index, text)
        self.setItemData(index, text, int(Qt.ItemDataRole.ToolTipRole))  # a narrow list cuts it
