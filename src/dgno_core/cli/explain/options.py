"""The options that the analyses of a network share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from dgno_core.cli.completion import complete_model

Out: TypeAlias = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="DIR", help="The folder for the results."),
]
Model: TypeAlias = Annotated[
    str,
    typer.Option(
        help="A name from `dgno models`, a .safetensors file, or auto.",
        autocompletion=complete_model,
    ),
]
Axes: TypeAlias = Annotated[
    str | None, typer.Option(help="One letter of TPCZYXS a dimension, where the file is mute.")
]
Device: TypeAlias = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Plane: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Which plane of a stack, from 0, along its axes besides Y and X: 3 or 0,3."),
]
Region: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Rows and columns of the part to look at, such as 0:256,128:384."),
]
Normalise: TypeAlias = Annotated[
    Literal["stack", "plane"],
    typer.Option(help="Scale intensities by the range of the whole stack, or of each plane."),
]
ModelFolder: TypeAlias = Annotated[
    Path | None, typer.Option(help="A folder of your own models, found by name.")
]
Overwrite: TypeAlias = Annotated[bool, typer.Option(help="Replace results that exist.")]
