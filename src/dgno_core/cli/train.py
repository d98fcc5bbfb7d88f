"""`dgno-train` (= `dgno train`): one YAML file in, a trained model out."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from dgno_core.cli.completion import complete_recipe
from dgno_core.cli.help_pages import epilog
from dgno_core.cli.progress import Bar
from dgno_core.cli.running import INTERRUPTED, new_app
from dgno_core.cli.running import main as run_main
from dgno_core.cli.stdout import say
from dgno_core.cli.threads import TrainingThreads, share_cores

if TYPE_CHECKING:
    from dgno_core.training import TrainConfig


def _list_recipes(wanted: bool) -> None:
    if wanted:
        from dgno_core.training.recipes import describe_recipes

        typer.echo("\n".join(describe_recipes()))
        raise typer.Exit


def train(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG.yaml",
            help="A file, or the name of a recipe.",
            autocompletion=complete_recipe,
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; may be repeated."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on exactly where the last checkpoint stands.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the settings, the sizes of the data and what a step costs, and stop.",
        ),
    ] = False,
    events: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write every event as a line of JSON; - is stdout."),
    ] = None,
    threads: TrainingThreads = 0,
    recipes: Annotated[
        bool,
        typer.Option(
            "--recipes",
            is_eager=True,  # before anything is missing
            callback=_list_recipes,
            help="List the recipes of the package, and stop.",
        ),
    ] = False,
) -> None:
    """Train a model as a YAML file says. Ctrl-C stops after the step in hand, resumably."""
    from dgno_core.training import load_config
    from dgno_core.training.checks import check_run
    from dgno_core.training.recipes import find_recipe

    settings = load_config(find_recipe(config), list(overrides or []))
    check_run(settings, resume=resume)
    if settings.engine.devices > 1 and not threads:  # nothing was asked for
        share_cores(settings.engine.devices)
    if dry_run:
        explain(settings)
        return
    with ExitStack() as stack:
        lines: TextIO | None = None
        if events == "-":
            lines = sys.stdout
        elif events is not None:
            lines = stack.enter_context(Path(events).open("a", encoding="utf-8"))
        stack.enter_context(stopping_after_the_step(settings.out))
        reason = follow(settings, resume=resume, lines=lines)
    if reason == "as asked":
        raise typer.Exit(INTERRUPTED)


@contextmanager
def stopping_after_the_step(out: Path) -> Iterator[None]:
    """Let the first Ctrl-C (or terminate) end the run after its step, and the second at once."""
    from dgno_core.training.runs.lock import clear_stop_request, request_stop

    clear_stop_request(out)

    def ask(number: int, frame: Any) -> None:
        if not out.is_dir():
            raise KeyboardInterrupt
        request_stop(out)
        signal.signal(number, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(settings: TrainConfig, *, resume: bool, lines: TextIO | None) -> str | None:
    """Drive the training and show its events: JSON lines, a progress bar, or both.

    Returns
    -------
    str or None
        Why the run stopped before its end; None if it reached it.
    """
    from dgno_core.training import train_events
    from dgno_core.training.events import (
        BatchSkipped,
        CheckpointSaved,
        StepDone,
        TrainFinished,
        TrainStarted,
        TrainStopped,
        Validated,
    )

    reason = None
    with Bar("training") as bar, closing(train_events(settings, resume=resume)) as events:
        for event in events:
            if lines is sys.stdout:
                say(event.to_json())
            elif lines is not None:
                print(event.to_json(), file=lines, flush=True)
            match event:
                case TrainStarted():
                    bar.say(f"{event.images} images train, {event.held_out} validate")
                    for note in event.notes:
                        bar.say(note)
                case StepDone():
                    bar.update(event.step, event.total, f"loss {event.loss:.4f}")
                case BatchSkipped():
                    bar.say(f"skipped a batch: {event.message}")
                case Validated():
                    best = " (best so far)" if event.is_best else ""
                    bar.say(f"step {event.step}: {event.blurred:.2f} -> {event.psnr:.2f} dB{best}")
                case CheckpointSaved():
                    bar.say(f"saved {event.path}")
                case TrainStopped():
                    reason = event.reason
                    bar.say(f"stopped at step {event.step}, {reason}; --resume goes on from there")
                case TrainFinished():
                    if lines is not sys.stdout:
                        typer.echo(event.path)
    return reason


def explain(settings: TrainConfig) -> None:
    """Print the resolved settings as YAML, and as comments the data and what a run costs."""
    typer.echo(as_yaml(settings))
    total = 0.0
    for part in settings.parts:
        if settings.after is not None:
            typer.echo(f"# part {part.name}")
        total += _explain_part(part)
    if settings.after is not None:
        typer.echo(f"# all parts: about {_duration(total)}")


def _explain_part(settings: TrainConfig) -> float:
    """Print the data and the cost of a run, or of a part of one; return its seconds."""
    from dgno_core.training.estimate import estimate
    from dgno_core.training.loader import NumberedBatches
    from dgno_core.training.sources import open_data, open_extra

    data = open_data(settings)
    batches = NumberedBatches(data.batches, open_extra(settings))
    cost = estimate(settings, batches, data.held_out)
    seconds = cost.total_seconds(settings)
    cache = getattr(settings.data, "memory_gb", 0) * max(1, settings.engine.workers)
    for line in (
        f"data: {data.images} images train, {len(data.held_out)} validate",
        *data.notes,
        f"network: {cost.parameters:,} parameters",
        f"memory: about {cost.bytes / 1e9:.1f} GB on the device (float32), and working space on "
        "top" + (f"; up to {cache:g} GB of images beside it" if cache else ""),
        f"time: {cost.step_seconds:.2f} s a step, {cost.batch_seconds:.2f} s to prepare a batch "
        f"and {cost.validation_seconds:.2f} s a validation, as measured here; about "
        f"{_duration(seconds)} for {settings.own_steps:,} steps with their "
        "validations",
    ):
        typer.echo(f"# {line}")
    return seconds


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 1:
        return f"{seconds:.0f} seconds"
    return f"{minutes / 60:.1f} hours" if minutes >= 60 else f"{minutes:.0f} minutes"


def as_yaml(settings: TrainConfig) -> str:
    """Write settings as the YAML file that would give them."""
    import yaml

    text: str = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)
    return text


app = new_app("Train a model as a YAML file says.", "dgno-train", is_whole=True)
app.command(name="dgno-train", epilog=epilog("dgno-train"))(train)


def main() -> None:
    """Run `dgno-train` as this process."""
    run_main(app, "dgno-train")
