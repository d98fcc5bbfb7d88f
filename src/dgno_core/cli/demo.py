"""`dgno demo`: the main job on built-in sharp images, offline and without a GPU."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from dgno_core.cli.progress import Bar
from dgno_core.cli.threads import Threads


def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the picture and the TIFFs go.")
    ] = Path("dgno-demo"),
    threads: Threads = 0,
) -> None:
    """Blur and restore built-in images."""
    from dgno_core.demo import DemoFinished, DemoImageRestored, DemoStarted, demo_events, demo_table

    with Bar("restoring") as bar, closing(demo_events(out)) as events:
        for event in events:
            match event:
                case DemoStarted():
                    bar.update(0, event.total)
                case DemoImageRestored():
                    bar.update(event.done, event.total, event.row.title)
                case DemoFinished():
                    finished = event
    typer.echo(demo_table(finished.rows))
    typer.echo(f"\nLook at {finished.picture}; the TIFFs lie beside it.")
