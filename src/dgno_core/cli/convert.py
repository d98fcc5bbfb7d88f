"""`dgno convert`: a released checkpoint in, a model of this program out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dgno_core.errors import DGNOError
from dgno_core.numerics.flux_spec import BoundaryName, Formulation
from dgno_core.numerics.fluxes import FluxName

if TYPE_CHECKING:
    from dgno_core.models.config import NetworkConfig

    FluxOption = FluxName
else:
    FluxOption = Literal[FluxName, "avg_jump"]

Level = tuple[int, ...]


def convert(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="FILE.pth", help="A released DGNO or MPT checkpoint.")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT.safetensors", help="The model to write.")
    ],
    variant: Annotated[
        Formulation | None,
        typer.Option(help="DGNO-Cell or -Face, for a file without the index buffers of faces."),
    ] = None,
    flux: Annotated[
        FluxOption | None,
        typer.Option(help="The flux in its training options; the file does not tell."),
    ] = None,
    boundary: Annotated[
        BoundaryName | None,
        typer.Option(
            help="The boundary treatment in its training options; leave it out if unknown."
        ),
    ] = None,
    activation: Annotated[
        Literal["gelu", "relu"] | None,
        typer.Option(help="The activation of its shallow branch."),
    ] = None,
    tau: Annotated[
        float | None, typer.Option(help="Its penalty, if that was not learnt (0.25).")
    ] = None,
    scales: Annotated[
        str | None,
        typer.Option(
            metavar="8,8,4,4,1,1/...",
            help="MPT: 1/s of every block, the four levels apart by /, if not the paper's.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model of that name.")
    ] = False,
) -> None:
    """Turn a released DGNO or MPT checkpoint into a model, without running code from it."""
    if out.is_dir():
        raise DGNOError(f"{out} is a folder; give the name of the model file to write.")
    if not out.parent.is_dir():
        raise DGNOError(f"The folder {out.parent} does not exist; make it first.")
    if out.exists() and not overwrite:
        raise DGNOError(f"{out} exists already; give another name, or --overwrite.")
    reductions = None if scales is None else parse_scales(scales)
    from dgno_core.models import convert_checkpoint

    done = convert_checkpoint(
        checkpoint,
        out,
        variant=variant,
        flux="average_jump" if flux == "avg_jump" else flux,  # the released code's name
        boundary=boundary,
        activation=activation,
        tau=tau,
        reductions=reductions,
    )
    for sentence in done.assumed:
        typer.echo(f"dgno: warning: {sentence}", err=True)
    typer.echo(f"{done.path}: {done.card.title}, {describe(done.card.config)}")


def parse_scales(text: str) -> tuple[Level, Level, Level, Level]:
    """Read ``8,8,4/4,4/2,2/1,1`` as four levels of whole numbers.

    Raises
    ------
    DGNOError
        If it is not of that form.
    """
    try:
        levels = [tuple(int(part) for part in level.split(",")) for level in text.split("/")]
        first, second, third, fourth = levels
    except ValueError as error:
        raise DGNOError(
            f"--scales {text} is not four levels of whole numbers, such as 8,4,1/4,2,1/2,2,1/2,2,1."
        ) from error
    return first, second, third, fourth


def describe(config: NetworkConfig) -> str:
    """Say in a few words what was recognised."""
    kind = "colour" if config.channels == 3 else "grey"
    words = [f"{kind} images"]
    if config.kind == "dgno":
        words += [
            f"width {config.width}",
            f"blocks {config.blocks}",
            f"{config.heads} heads",
            f"{config.flux} flux",
            f"{config.boundary} boundary",
        ]
    elif config.kind == "mpt":
        words += [f"width {config.width}", f"windows of {config.lifting.window} pixels"]
    return ", ".join(words)
