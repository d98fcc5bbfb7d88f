"""What a person, or a program, reads of a batch: names, lines of JSON, warnings, a summary."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import typer

from dgno_core.cli.progress import Bar
from dgno_core.cli.stdout import say
from dgno_core.wording import about_file

if TYPE_CHECKING:
    from dgno_core.inference.batch import BatchEvent, BatchFinished
    from dgno_core.inference.dry_run import ImagePlanned, PlanEvent
    from dgno_core.inference.events import RestoreEvent
    from dgno_core.inference.outputs import ImageTask


class BatchReport:
    """Shows the events of a batch; used as a context manager.

    Parameters
    ----------
    as_json
        Print one JSON object a line and image on stdout, in place of the names of the results.
    is_quiet
        Say nothing but errors, apart from the JSON.
    """

    def __init__(self, *, as_json: bool = False, is_quiet: bool = False) -> None:
        self.as_json, self.is_quiet = as_json, is_quiet
        self.finished: BatchFinished | None = None
        self._open = ExitStack()
        self._bar: Bar | None = None
        self._plane = ""

    def __enter__(self) -> BatchReport:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bar as it stands."""
        self._open.close()

    def show(self, event: BatchEvent | PlanEvent) -> None:
        """Show one event."""
        from dgno_core.inference import batch, dry_run

        match event:
            case batch.ImageStarted():
                self._begin(event.task, event.number, event.total)
            case batch.ImageProgressed():
                self._follow(event.task, event.event)
            case batch.ImageRestored():
                self._open.close()
                record = event.provenance
                facts = {
                    "model": record.model,
                    "weights_sha256": record.weights_sha256,
                    "device": record.device,
                    "tile": record.tile,
                    "seconds": round(event.seconds, 3),
                    "warnings": record.warnings,
                }
                self._result(event.task, "restored", facts, str(event.task.target))
            case dry_run.ImagePlanned():
                self._open.close()
                self._result(event.task, "planned", plan_facts(event), in_words(event))
            case batch.ImageSkipped():
                self._say(f"{event.task.source.name}: skipped, {event.task.target} is done")
                self._result(event.task, "skipped", {}, None)
            case batch.ImageFailed():
                self._open.close()
                typer.echo(f"dgno: {event.message}", err=True)
                facts = {"error": event.message, "seconds": round(event.seconds, 3)}
                self._result(event.task, "failed", facts, None)
            case batch.BatchFinished():
                self.finished = event

    def _begin(self, task: ImageTask, number: int, total: int) -> None:
        title = task.source.name + (f" ({number}/{total})" if total > 1 else "")
        self._plane = ""
        self._bar = self._open.enter_context(Bar(title, is_quiet=self.is_quiet))
        if task.differs is not None:
            self._say(f"{task.source.name}: made anew, {task.target} {task.differs}")

    def _follow(self, task: ImageTask, event: RestoreEvent) -> None:
        from dgno_core.inference.events import (
            PlaneMeasured,
            PlaneRestored,
            RestoreStarted,
            RestoreWarned,
            TileRestored,
        )

        assert self._bar is not None
        match event:
            case PlaneMeasured():
                self._bar.update(event.done, event.total, "measuring intensities")
            case RestoreStarted():
                self._plane = f"plane 0/{event.planes}"
            case PlaneRestored():
                self._plane = f"plane {event.done}/{event.total}"
            case TileRestored():
                self._bar.update(event.done, event.total, self._plane)
            case RestoreWarned():
                self._say(about_file(task.source.name, event.message))

    def _result(
        self, task: ImageTask, status: str, facts: dict[str, Any], line: str | None
    ) -> None:
        """Print the line of an image on stdout."""
        if self.as_json:
            names = {"input": str(task.source), "output": str(task.target), "status": status}
            say(json.dumps(names | facts, ensure_ascii=False))
        elif line is not None and not (self.is_quiet and status == "restored"):
            say(line)

    def _say(self, message: str) -> None:
        if self.is_quiet:
            return
        if self._bar is not None:
            self._bar.say(message)
        else:
            typer.echo(message, err=True)


def plan_facts(plan: ImagePlanned) -> dict[str, Any]:
    """Collect what a plan holds, as JSON."""
    return {
        "axes": plan.axes,
        "shape": plan.shape,
        "dtype": plan.dtype,
        "model": plan.model,
        "device": plan.device,
        "tile": plan.tile,
        "planes": plan.planes,
        "tiles": plan.tiles,
        "bytes": plan.bytes,
        "seconds": round(plan.seconds, 3),
        "warnings": plan.warnings,
    }


def in_words(plan: ImagePlanned) -> str:
    """Say what restoring an image would take."""
    shape = " x ".join(map(str, plan.shape))
    lines = [
        f"{plan.task.source} -> {plan.task.target}",
        f"  image   {plan.axes} {shape}, {plan.dtype}",
        f"  model   {plan.model} on {plan.device}",
        f"  tiles   {plan.tiles} of at most {plan.tile} pixels, in {plan.planes} "
        f"plane{'s' * (plan.planes > 1)}",
        f"  memory  about {plan.bytes / 1e9:.2g} GB on top of the program's own",
        f"  time    about {duration(plan.seconds)}, from one tile timed here",
        *(f"  note    {warning}" for warning in plan.warnings),
    ]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Write a time in its own unit."""
    if seconds < 90:
        return f"{seconds:.2g} seconds" if seconds < 10 else f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def summary(done: BatchFinished, *, is_plan: bool = False) -> str:
    """Sum a batch up in a line."""
    word = "can be restored" if is_plan else "restored"
    return f"{done.restored} {word}, {done.skipped} skipped, {done.failed} failed"
