"""`dgno evaluate`: the packaged models on the public evaluation set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    data: Annotated[Path, typer.Option(help="The folder that holds EVAL.tsv.")],
    out: Annotated[Path, typer.Option(help="The folder for the table and the figures.")],
) -> None:
    """Score the packaged models on the public evaluation set."""
    raise NotImplementedError(data, out)
