"""`dgno restore`: images in, restored images and their provenance out."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dgno_core.cli.completion import complete_model
from dgno_core.cli.models import check_model_folder
from dgno_core.cli.progress import Bar
from dgno_core.cli.running import BAD_INPUT
from dgno_core.cli.stdout import say
from dgno_core.cli.threads import Threads
from dgno_core.wording import about_file

if TYPE_CHECKING:
    from dgno_core.inference.batch import BatchEvent, BatchFinished
    from dgno_core.inference.dry_run import ImagePlanned, PlanEvent
    from dgno_core.inference.events import RestoreEvent
    from dgno_core.inference.outputs import ImageTask


def restore(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN...", help="Images, zarr stores, or folders of planes (one stack each)."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", help="The file to write; a folder for several images."
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            help="A name from `dgno models`, a .safetensors file, or auto.",
            autocompletion=complete_model,
        ),
    ] = "auto",
    axes: Annotated[
        str | None, typer.Option(help="One letter of TPCZYXS a dimension, where the file is mute.")
    ] = None,
    series: Annotated[
        int, typer.Option(min=0, help="Which image of a file that holds several, from 0.")
    ] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    tile: Annotated[
        int | None, typer.Option(help="Tile size in pixels; by default the model's own.")
    ] = None,
    precision: Annotated[
        Literal["fp32", "bf16"], typer.Option(help="bf16 is faster on recent hardware.")
    ] = "fp32",
    normalise: Annotated[
        Literal["stack", "plane"],
        typer.Option(help="Scale intensities by the range of the whole stack, or of each plane."),
    ] = "stack",
    nonfinite: Annotated[
        Literal["refuse", "keep"],
        typer.Option(help="Pixels that are NaN or infinite: refuse the image, or keep them so."),
    ] = "refuse",
    memory_share: Annotated[
        float, typer.Option(help="Use at most this share of the free memory, 0 to 1.")
    ] = 0.5,
    model_folder: Annotated[
        Path | None, typer.Option(help="A folder of your own models, found by name.")
    ] = None,
    threads: Threads = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = (
        False
    ),
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Keep results made from the same input with the same model and settings; others "
            "are refused, or with --overwrite made anew.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what each image would take (tiles, memory, time); write nothing."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON for each image on stdout.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but errors (and --json).")
    ] = False,
) -> None:
    """Restore defocused images.

    Every result gets a record of how it was made beside it, OUT.json.
    """
    check_model_folder(model_folder)
    from dgno_core.inference import RestoreConfig
    from dgno_core.inference.batch import batch_events
    from dgno_core.inference.dry_run import plan_events
    from dgno_core.inference.outputs import plan_outputs

    config = RestoreConfig(
        model=model,
        axes=axes,
        series=series,
        device=device,
        tile=tile,
        precision=precision,
        normalise=normalise,
        nonfinite=nonfinite,
        memory_share=memory_share,
        model_folder=model_folder,
    )
    tasks = plan_outputs(inputs, output, config, overwrite=overwrite, skip_existing=skip_existing)
    work = plan_events(tasks, config) if dry_run else batch_events(tasks, config)
    with BatchReport(as_json=as_json, is_quiet=quiet) as report, closing(work) as events:
        for event in events:
            report.show(event)
    done = report.finished
    assert done is not None, "the batch ended without its last event"
    if len(tasks) > 1 and (done.failed or not quiet):
        typer.echo(f"dgno: {summary(done, is_plan=dry_run)}", err=True)
    if done.failed:
        raise typer.Exit(BAD_INPUT)


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
