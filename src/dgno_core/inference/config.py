"""Settings of a restoration: one object for the shell, the script and the window."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from dgno_core.base_config import Options
from dgno_core.errors import DGNOError
from dgno_core.io.axes import AXES

# Pixels; tiles start on multiples of it, so that elements coincide at every scale. Of all the grids
# of our networks it is the finest; one with a coarser grid refuses a tile once it is loaded.
MULTIPLE = 32
SMALLEST_TILE = 2 * MULTIPLE
# Where and with how much memory is computed; the same result is asked for.
MACHINE = frozenset({"device", "memory_share", "model_folder"})


class RestoreConfig(Options):
    """How to restore; a setting that cannot be is a `DGNOError`.

    Attributes
    ----------
    model
        A name from `dgno models`, a path, or ``auto``: the packaged model for grey or colour.
    axes
        One letter of ``TPCZYXS`` for each dimension, in place of those of the image.
    series
        Which image of a file that holds several, counted from 0.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    tile
        Edge of a tile in pixels, a multiple of 32 and at least 64, and for a model with a coarser
        grid a multiple of that and at least twice it; None: the model's own.
    precision
        ``bf16`` computes in bfloat16 where that is safe.
    normalise
        One intensity range for the whole ``stack``, or one for each ``plane``.
    nonfinite
        What to do with pixels that are NaN or infinite: ``refuse`` the image, or ``keep`` them as
        they are and restore the others.
    memory_share
        Share of the free memory that a tile may need, above 0 and at most 1.
    model_folder
        Where else to look for models by name.
    """

    model: str = Field(default="auto", min_length=1)
    axes: str | None = None
    series: int = Field(default=0, ge=0)
    device: str = "auto"
    tile: int | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    normalise: Literal["stack", "plane"] = "stack"
    nonfinite: Literal["refuse", "keep"] = "refuse"
    memory_share: float = Field(default=0.5, gt=0, le=1)
    model_folder: Path | None = None

    @field_validator("tile")
    @classmethod
    def _tile_fits(cls, tile: int | None) -> int | None:
        if tile is not None and (tile < SMALLEST_TILE or tile % MULTIPLE):
            raise DGNOError(
                f"The tile must be a multiple of {MULTIPLE} and at least {SMALLEST_TILE} pixels, "
                f"not {tile}."
            )
        return tile

    @field_validator("axes")
    @classmethod
    def _axes_are_letters(cls, axes: str | None) -> str | None:
        if axes is not None and not (axes and set(axes.upper()) <= set(AXES)):
            raise DGNOError(f"The axes {axes!r} must be letters of {AXES}, one for each dimension.")
        return None if axes is None else axes.upper()

    def command(self, inputs: Sequence[str | Path], output: str | Path) -> str:
        """Return the `dgno restore` line that does the same, quoted for a POSIX shell."""
        words = ["dgno", "restore", *map(str, inputs), "-o", str(output)]
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value != field.default:
                words += [f"--{name.replace('_', '-')}", str(value)]
        return shlex.join(words)


DEFAULTS = RestoreConfig()
