"""`dgno explain rank`: how many directions the operators of a network really use."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from dgno_core.cli.completion import complete_model
from dgno_core.cli.explain import options as opt
from dgno_core.cli.explain.region import parse_plane, parse_region
from dgno_core.cli.explain.results import result_folder
from dgno_core.cli.models import check_model_folder
from dgno_core.cli.progress import Bar
from dgno_core.cli.threads import Threads

TABLE, PICTURE = "rank.csv", "rank.png"


def rank(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="One or more images.")],
    output: opt.Out,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A name from `dgno models` or a .safetensors file; may be repeated.",
            autocompletion=complete_model,
        ),
    ] = None,
    centre: Annotated[
        bool, typer.Option("--centre", help="Subtract the mean of each channel first.")
    ] = False,
    region: opt.Region = None,
    plane: opt.Plane = None,
    axes: opt.Axes = None,
    device: opt.Device = "auto",
    normalise: opt.Normalise = "stack",
    model_folder: opt.ModelFolder = None,
    threads: Threads = 0,
    overwrite: opt.Overwrite = False,
) -> None:
    """Measure the effective rank of what every operator gives, and the share of its channels.

    Writes a table with a row for each image, model and operator, and a picture of the averages.
    """
    check_model_folder(model_folder)
    where, at = parse_region(region), parse_plane(plane)
    from dgno_core.evaluation.rank import OperatorRank, operator_ranks
    from dgno_core.evaluation.rank_figure import draw_ranks, summarise_ranks
    from dgno_core.inference import Restorer
    from dgno_core.interpretation.view import read_view

    restorers = [
        Restorer(name, axes=axes, device=device, normalise=normalise, model_folder=model_folder)
        for name in model or ["auto"]
    ]
    found: dict[str, list[tuple[OperatorRank, ...]]] = {}
    with (
        result_folder(output, (TABLE, PICTURE), overwrite=overwrite) as folder,
        Bar("measuring ranks") as bar,
    ):
        lines = ["image,model,scale,iteration,channels,effective_rank,utilisation,centred"]
        wanted = list(product(restorers, images))
        for done, (restorer, image) in enumerate(wanted):
            bar.update(done, len(wanted), image.name)
            view = read_view(image, restorer, at, where)
            ranks = operator_ranks(view.network, view.pixels, centre=centre)
            found.setdefault(view.network.name, []).append(ranks)
            lines += [
                f"{_quoted(image.name)},{_quoted(view.network.name)},{one.scale},{one.iteration},"
                f"{one.channels},{one.rank:.6g},{one.utilisation:.6g},{centre:d}"
                for one in ranks
            ]
        (folder / TABLE).write_text("\n".join(lines) + "\n", encoding="utf-8")
        summaries = {name: summarise_ranks(ranks) for name, ranks in found.items()}
        figure = draw_ranks(summaries, len(images))
        figure.savefig(folder / PICTURE, metadata={"Software": None})
    for name, summary in summaries.items():
        for one in summary:
            typer.echo(
                f"{name}  {one.scale} {one.iteration}: rank {one.mean:.1f} of {one.channels} "
                f"({100 * one.mean / one.channels:.0f} %)"
            )
    typer.echo(output / PICTURE)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text
