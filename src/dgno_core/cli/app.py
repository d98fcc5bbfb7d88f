"""The command `dgno` and its list of subcommands."""

from __future__ import annotations

from typing import Annotated

import typer

from dgno_core.cli.convert import convert
from dgno_core.cli.data import app as data_app
from dgno_core.cli.demo import demo
from dgno_core.cli.detect import detect
from dgno_core.cli.evaluate import evaluate
from dgno_core.cli.explain import app as explain_app
from dgno_core.cli.help_pages import epilog
from dgno_core.cli.models import models
from dgno_core.cli.restore import restore
from dgno_core.cli.running import main as run_main
from dgno_core.cli.running import new_app
from dgno_core.cli.train import train
from dgno_core.version import __version__

app = new_app("Restore defocused microscope images.", "dgno", is_whole=True)


@app.callback(invoke_without_command=True)
def _dgno(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


for _command in (restore, demo, models, convert, evaluate, detect, train):
    app.command(epilog=epilog(f"dgno {_command.__name__}"))(_command)
app.add_typer(data_app, name="data")
app.add_typer(explain_app, name="explain")


def main() -> None:
    """Run `dgno` as this process."""
    run_main(app, "dgno")
