"""What is asked: which box, with how much effort, along which path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator

from dgno_core.base_config import Options
from dgno_core.errors import DGNOError

Effort = Literal["quick", "full"]
STEPS: dict[Effort, int] = {"quick": 10, "full": 50}
SMALLEST_BOX = 2  # px: an edge lies between two pixels


@dataclass(frozen=True)
class Window:
    """The box whose edges are explained, in pixels of the image.

    Attributes
    ----------
    y, x
        Its first row and column.
    height, width
        Its size.
    """

    y: int
    x: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if min(self.height, self.width) < SMALLEST_BOX:
            raise DGNOError(
                f"The box is {self.height} x {self.width} pixels; draw one of at least "
                f"{SMALLEST_BOX} x {SMALLEST_BOX}."
            )

    @classmethod
    def square(cls, y: int, x: int, size: int = 16) -> Window:
        """Return the square box of the method."""
        return cls(y, x, size, size)

    def moved(self, rows: int, columns: int) -> Window:
        """Return the box that lies so many rows and columns further."""
        return Window(self.y + rows, self.x + columns, self.height, self.width)


class LamSettings(Options):
    """How a local attribution map is computed; the defaults are those of the method.

    Attributes
    ----------
    effort
        ``full`` takes the 50 steps of the method, ``quick`` fewer of them.
    steps
        Another number of steps along the path.
    sigma
        Width in pixels of the Gaussian blur at which the path starts.
    kernel
        Side of that Gaussian in pixels, odd.
    side
        Side in pixels of the neighbourhood that is looked at.
    eps
        Added under the square root of the gradient. 0 is the paper's own objective, of which a
        flat region has no derivative; attributions that are lost by that are counted.
    """

    effort: Effort = "quick"
    steps: int | None = Field(default=None, ge=1)
    sigma: float = Field(default=1.2, gt=0)
    kernel: int = Field(default=9, ge=3)
    side: int = Field(default=256, ge=32, le=1024)
    eps: float = Field(default=1e-12, ge=0)

    @field_validator("kernel")
    @classmethod
    def _kernel_is_odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise DGNOError(
                f"The blur kernel must have an odd side, so that it has a middle, not {kernel}."
            )
        return kernel

    @property
    def path_steps(self) -> int:
        """Steps along the path."""
        return self.steps or STEPS[self.effort]


DEFAULTS = LamSettings()
