"""`dgno demo`: the main job on built-in real images, offline and without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="The folder for the PNG and the TIFFs.")] = Path(
        "dgno-demo"
    ),
) -> None:
    """Blur built-in real images, restore them, and print what was gained."""
    raise NotImplementedError(out)
