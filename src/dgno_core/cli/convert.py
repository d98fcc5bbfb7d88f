"""`dgno convert`: a released checkpoint in, a model of this program out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dgno_core.errors import DGNOError

if TYPE_CHECKING:
    from dgno_core.models.config import NetworkConfig


def convert(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="FILE.pth", help="A released DGNO or MPT checkpoint.")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT.safetensors", help="The model to write.")
    ],
    flux: Annotated[
        Literal["central", "jump", "average_jump", "upwind"] | None,
        typer.Option(help="The flux it was trained with; the file does not tell."),
    ] = None,
    boundary: Annotated[
        Literal["dirichlet", "neumann", "periodic"] | None,
        typer.Option(help="Its boundary treatment, as the released code names it."),
    ] = None,
    activation: Annotated[
        Literal["gelu", "relu"] | None,
        typer.Option(help="The activation of its shallow branch."),
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
    from dgno_core.models import convert_checkpoint

    done = convert_checkpoint(checkpoint, out, flux=flux, boundary=boundary, activation=activation)
    for sentence in done.assumed:
        typer.echo(f"dgno: warning: {sentence}", err=True)
    typer.echo(f"{done.path}: {done.card.title}, {describe(done.card.config)}")


def describe(config: NetworkConfig) -> str:
    """Say in a few words what was recognised."""
    kind = "colour" if config.channels == 3 else "grey"
    words = [f"{kind} images"]
    if config.kind == "dgno":
        words += [
            f"width {config.width}",
            f"{config.heads} heads",
            f"{config.flux} flux",
            f"{config.boundary} boundary",
        ]
    elif config.kind == "mpt":
        words += [f"width {config.width}", f"windows of {config.lifting.window} pixels"]
    return ", ".join(words)
