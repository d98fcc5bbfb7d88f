"""`dgno-train` (= `dgno train`): one YAML file in, a trained model out."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from dgno_core.cli.progress import Bar
from dgno_core.cli.running import main as run_main
from dgno_core.cli.running import new_app

if TYPE_CHECKING:
    from dgno_core.training import TrainConfig


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="What to train, and how.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; may be repeated."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on exactly where the last checkpoint stands.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the settings that would be used, and stop.")
    ] = False,
    events: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write every event as a line of JSON; - is stdout."),
    ] = None,
) -> None:
    """Train a model as a YAML file says."""
    from dgno_core.training import load_config

    settings = load_config(config, list(overrides or []))
    if dry_run:
        typer.echo(as_yaml(settings), nl=False)
        return
    with ExitStack() as stack:
        lines: TextIO | None = None
        if events == "-":
            lines = sys.stdout
        elif events is not None:
            lines = stack.enter_context(Path(events).open("a", encoding="utf-8"))
        follow(settings, resume=resume, lines=lines)


def follow(settings: TrainConfig, *, resume: bool, lines: TextIO | None) -> None:
    """Drive the training and show its events: JSON lines, a progress bar, or both."""
    from dgno_core.training import train_events
    from dgno_core.training.events import CheckpointSaved, StepDone, TrainFinished, Validated

    saved = None
    with Bar("training") as bar, closing(train_events(settings, resume=resume)) as events:
        try:
            for event in events:
                if lines is not None:
                    print(json.dumps(event.to_dict()), file=lines, flush=True)
                match event:
                    case StepDone():
                        bar.update(event.step, event.total, f"loss {event.loss:.4f}")
                    case Validated():
                        bar.say(f"step {event.step}: {event.blurred:.2f} -> {event.psnr:.2f} dB")
                    case CheckpointSaved():
                        saved = event
                        bar.say(f"saved {event.path}")
                    case TrainFinished():
                        if lines is not sys.stdout:
                            typer.echo(event.path)
        except KeyboardInterrupt:
            bar.say(
                "stopped before the first checkpoint of this call"
                if saved is None
                else f"stopped; --resume goes on from step {saved.step}"
            )
            raise


def as_yaml(settings: TrainConfig) -> str:
    """Write settings as the YAML file that would give them."""
    import yaml

    text: str = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)
    return text


app = new_app("Train a model as a YAML file says.")
app.command(name="dgno-train")(train)


def main() -> None:
    """Run `dgno-train` as this process."""
    run_main(app, "dgno-train")
