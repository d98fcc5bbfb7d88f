"""`dgno models`: what can be built, and which trained weights are at hand."""

from __future__ import annotations

import dataclasses
import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgno_core.cli.completion import complete_model
from dgno_core.errors import DGNOError
from dgno_core.models import architecture, model_names, read_card, weights_names
from dgno_core.models.config import DGNOConfig, NetworkConfig

if TYPE_CHECKING:
    from rich.table import Table

    from dgno_core.models import ModelCard
    from dgno_core.models.cost import Cost


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
        show_costs = print_json if as_json else print_table
        show_costs(channels, model_folder)
        return
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


SIDE = 256
LICENCE = "BSD-3-Clause"  # of all networks: they are this project's own code
NARROWEST = 80
WIDE = 110  # columns of a terminal from which there is room for the papers
PAPERS = {
    "DGNO": "Duan et al.: Discontinuous Galerkin Neural Operator for Pathology Defocus Deblurring",
    "SRNO": "Wei and Zhang: Super-Resolution Neural Operator, CVPR 2023",
    "MambaIRv2": "Guo et al.: MambaIRv2, arXiv 2411.15269",
    "NAFNet": "Chen et al.: Simple Baselines for Image Restoration, arXiv 2204.04676",
    "Restormer": "Zamir et al.: Restormer, arXiv 2111.09881",
    "MPT": "Zhang et al.: A Unified Framework for Microscopy Defocus Deblur with Multi-Pyramid "
    "Transformer and Contrastive Learning, CVPR 2024",
}
_FAMILIES = {"mamba": "MambaIRv2", "nafnet": "NAFNet", "restormer": "Restormer", "mpt": "MPT"}
_LEGEND = {
    "exact": "MACs of convolutions, linear maps and matrix products, counted by hand",
    "scan": "MACs of the selective scan, which come on top of every other count",
    "modules": "MACs that the papers' counter, ptflops, finds up to 0.7.0: figures of MPT's paper",
    "functions": "MACs that its later versions find, which see some functions: figures of DGNO's",
    "MB": "peak memory of a forward pass in float32 without gradients, weights included; a "
    "processor's workspaces come on top",
}


def print_table(channels: int, folder: Path | None) -> None:
    """Print the costs of all architectures and the cards of all trained models.

    Parameters
    ----------
    channels
        Image channels of the architectures, 1 or 3.
    folder
        The user's model folder.
    """
    from rich.console import Console

    cards = _cards(folder)
    costs = _costs(channels)
    # Below that, names and numbers would be cut: let the lines run over.
    console = Console(highlight=False, markup=False, width=max(Console().width, NARROWEST))
    console.print(f"Architectures for {_images(channels)} images:\n")
    console.print(_cost_table(costs, is_wide=console.width >= WIDE))
    console.print(f"\nFor one image of {SIDE} x {SIDE} pixels; MACs in 10^9:\n")
    console.print(_two_columns(_LEGEND))
    console.print("\nAll are this project's own code, written from the papers:\n")
    console.print(_two_columns(_users_of_papers()))
    console.print("\nTrained models:")
    for name, card in cards.items():
        console.print(f"\n{name}: {card.title or card.summary}")
        console.print(_two_columns(card_lines(card)))


def print_json(channels: int, folder: Path | None) -> None:
    """Print the content of `print_table` as JSON, with exact numbers and whole cards."""
    cards = _cards(folder)
    architectures = [
        {
            "name": name,
            **dataclasses.asdict(its),
            "licence": LICENCE,
            "papers": [PAPERS[paper] for paper in papers(architecture(name))],
        }
        for name, its in _costs(channels).items()
    ]
    content: dict[str, Any] = {
        "channels": channels,
        "side": SIDE,
        "architectures": architectures,
        "weights": {name: card.model_dump(mode="json") for name, card in cards.items()},
    }
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def papers(config: NetworkConfig) -> list[str]:
    """Papers, keys of `PAPERS`, that describe a network: its operators, then its encoder."""
    if not isinstance(config, DGNOConfig):
        return [_FAMILIES[config.kind]]
    operators = "DGNO" if config.formulation in ("cell", "face") else "SRNO"
    return [operators, _FAMILIES[config.lifting.kind]]


def _cards(folder: Path | None) -> dict[str, ModelCard]:
    cards = {}
    for name in weights_names(folder=folder):
        try:
            cards[name] = read_card(name, folder=folder)
        except DGNOError as error:
            typer.echo(f"dgno: warning: {error}", err=True)
    return cards


def _costs(channels: int) -> dict[str, Cost]:
    configs = {name: architecture(name, channels) for name in model_names()}
    from dgno_core.models.cost import cost

    return {name: cost(config, SIDE) for name, config in configs.items()}


def _cost_table(costs: dict[str, Cost], *, is_wide: bool) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2 if is_wide else 1, 0, 0))
    table.add_column("name", no_wrap=True)
    for title in ("parameters", *_LEGEND):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("licence", "papers")[: 2 if is_wide else 1]:
        table.add_column(title, no_wrap=True)
    for name, its in costs.items():
        macs = (its.macs_exact, its.macs_scan, its.macs_modules, its.macs_functions)
        counts = (f"{count / 1e9:.2f}" if count else "" for count in macs)
        memory = f"{its.peak_bytes / 1e6:.0f}"
        cells = (name, f"{its.parameters:,}", *counts, memory, LICENCE)
        origin = ", ".join(papers(architecture(name)))
        table.add_row(*cells, *([origin] if is_wide else []))
    return table


def _two_columns(lines: dict[str, str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    for key, value in lines.items():
        table.add_row(Text(f"  {key}", no_wrap=True), Text(value))
    return table


def _users_of_papers() -> dict[str, str]:
    """Say for each paper which networks follow it."""
    users = {
        key: ", ".join(name for name in model_names() if key in papers(architecture(name)))
        for key in PAPERS
    }
    return {key: f"{paper}: {users[key]}" for key, paper in PAPERS.items()}


def card_lines(card: ModelCard) -> dict[str, str]:
    """Sum up what a card tells, without what it does not."""
    same = (name for name in model_names() if architecture(name, card.channels) == card.config)
    scores = (
        f"{key}: {value:.2f}" if isinstance(value, float) else f"{key}: {value}"
        for key, value in card.scores.items()
    )
    lines = {
        "network": f"{next(same, card.config.kind)} for {_images(card.channels)} images",
        "version": card.version,
        "training": card.progress.words() if card.progress else "",
        "data": "; ".join(card.data),
        "data under": ", ".join(card.licences),
        "scores": "; ".join(scores),
        "not for": "; ".join(card.not_for),
    }
    return {key: value for key, value in lines.items() if value}


def _images(channels: int) -> str:
    return "colour" if channels == 3 else "grey"
