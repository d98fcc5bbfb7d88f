"""`dgno models --table`: what every network costs, and the cards of the trained ones."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dgno_core.errors import DGNOError
from dgno_core.models import architecture, model_names, read_card, weights_names
from dgno_core.models.config import DGNOConfig, NetworkConfig

if TYPE_CHECKING:
    from rich.table import Table

    from dgno_core.models import ModelCard
    from dgno_core.models.cost import Cost

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
