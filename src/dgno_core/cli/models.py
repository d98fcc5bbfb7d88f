"""`dgno models`: what can be built, and which trained weights are at hand."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgno_core.cli.completion import complete_model
from dgno_core.errors import DGNOError

if TYPE_CHECKING:
    from dgno_core.models import ModelCard


def models(
    card: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Print the whole card of a model or weights file.",
            autocompletion=complete_model,
        ),
    ] = None,
    model_folder: Annotated[
        Path | None, typer.Option(help="A folder of your own models, listed as well.")
    ] = None,
    fetch: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Fetch released weights into --model-folder or the user's cache."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="URL|FILE", help="Where to --fetch from instead."),
    ] = None,
    sha256: Annotated[
        str | None, typer.Option(help="Checksum of the file to --fetch, if none is published.")
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Print what every network costs, and every card.")
    ] = False,
    channels: Annotated[
        int, typer.Option(metavar="1|3", help="Image channels of the networks in --table.")
    ] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what --table tells as JSON.")
    ] = False,
) -> None:
    """List the trained models and the architectures, or fetch larger models."""
    check_model_folder(model_folder)
    if fetch is not None:
        if card is not None or table or as_json:
            raise DGNOError("--fetch fetches weights and lists nothing; leave out the rest.")
        fetch_weights(fetch, model_folder, source, sha256)
        return
    if source is not None or sha256 is not None:
        raise DGNOError("--from and --sha256 go with --fetch NAME.")
    if card is not None and (table or as_json):
        raise DGNOError("--card prints one card, as JSON already; leave out --table and --json.")
    if channels != 1 and not (table or as_json):
        raise DGNOError("--channels goes with --table or --json.")
    if table or as_json:
        from dgno_core.cli import model_table

        show_costs = model_table.print_json if as_json else model_table.print_table
        show_costs(channels, model_folder)
        return
    from dgno_core.models import model_names, read_card, weights_names

    if card is not None:
        content = read_card(card, folder=model_folder).model_dump(mode="json")
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    rows = []
    for name in weights_names(folder=model_folder):
        try:
            rows.append(row(name, read_card(name, folder=model_folder)))
        except DGNOError as error:
            rows.append((name, "", "", f"CANNOT BE USED: {error}", ""))
    typer.echo("Trained models (dgno restore --model NAME; dgno models --card NAME tells all):")
    typer.echo()
    show(rows)
    from dgno_core.models.release import releases

    here = weights_names(folder=model_folder)
    if offered := [name for name in releases() if name not in here]:
        typer.echo("\nTo be fetched (dgno models --fetch NAME):")
        for name in offered:
            typer.echo(f"  {name}, {releases()[name].size / 1e6:.0f} MB")
    typer.echo("\nArchitectures (dgno-train, dgno_core.build_model):")
    typer.echo("  " + ", ".join(model_names()))


def fetch_weights(name: str, folder: Path | None, source: str | None, sha256: str | None) -> None:
    """Fetch weights and tell where they are."""
    from dgno_core.cli.progress import Bar
    from dgno_core.io.download import DownloadProgressed
    from dgno_core.models.fetch import fetch_model_events

    work = fetch_model_events(name, folder, source=source, sha256=sha256)
    with Bar(f"fetching {name}") as bar, closing(work) as events:
        for event in events:
            if isinstance(event, DownloadProgressed):
                bar.update(event.done, event.total or event.done)
            else:
                where = "is there already" if event.was_there else "can be used now"
                bar.say(f"{name} {where} (dgno restore --model {name}), SHA-256 {event.sha256}")
                typer.echo(event.path)


def check_model_folder(folder: Path | None) -> None:
    """Check that the user's model folder, if one is given, is a folder.

    Raises
    ------
    DGNOError
        If it is not.
    """
    if folder is None or folder.is_dir():
        return
    problem = "is a file, not a folder" if folder.exists() else "does not exist"
    raise DGNOError(f"{folder} {problem}; give the folder of your models to --model-folder.")


def row(name: str, card: ModelCard) -> tuple[str, ...]:
    """Sum up a card in the columns of the table."""
    blur = "" if card.blur_px is None else f"{card.blur_px[0]:g}-{card.blur_px[1]:g} px"
    kind = "colour" if card.channels == 3 else "grey"
    what = card.title or card.summary
    if card.progress is not None:
        what = f"{what} ({card.progress.words()})".lstrip()
    return (name, kind, blur, what, ", ".join(card.not_for))


def show(rows: list[tuple[str, ...]]) -> None:
    """Print rows as a table as wide as the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("name", "images", "blur", "what it is", "not for"):
        table.add_column(title, overflow="fold", no_wrap=title in ("name", "images", "blur"))
    for cells in rows:
        table.add_row(*map(Text, cells))
    # Below that, words would be cut: let the lines run over.
    Console(highlight=False, width=max(Console().width, 80)).print(table)
