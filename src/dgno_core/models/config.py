"""What a network is made of: one frozen description, stored inside every weights file."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from dgno_core.frozen import Frozen


class DGNOConfig(Frozen):
    """Architecture of a DGNO network (paper Sec. 3.2, "Network details").

    The defaults are the paper's DGNO-Cell. Widths of the four levels are `width` times 1, 2, 4
    and 8; the operators of the three scales work at 4, 2 and 1 times `width`.
    """

    kind: Literal["dgno"] = "dgno"
    channels: Literal[1, 3] = Field(1, description="image channels")
    width: int = Field(48, gt=0, multiple_of=4)
    blocks: tuple[int, int, int, int] = Field((2, 4, 6, 2), description="Mamba blocks a level")
    heads: int = Field(16, gt=0)
    formulation: Literal["cell", "face", "window", "global"] = "cell"
    flux: Literal["central", "jump", "average_jump", "upwind"] = "jump"
    boundary: Literal["dirichlet", "neumann", "periodic"] = "neumann"
    assembly: Literal["paper", "official"] = "paper"
    tau: float = Field(0.25, description="penalty of the jump; start value where it is learnt")
    learn_tau: bool = True
    element: int = Field(8, gt=0, description="element size in pixels, at every scale")
    iterations: int = Field(2, ge=1, description="operator layers a scale, T")
    state: int = Field(8, gt=0)
    tokens: int = Field(64, gt=0)
    rank: int = Field(32, gt=0)
    shallow_activation: Literal["gelu", "relu"] = "gelu"
    routing_noise: bool = Field(False, description="Gumbel noise in the router while training")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> DGNOConfig:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self

    @property
    def multiple(self) -> int:
        """Image sides are padded to a multiple of this, so that elements fit at every scale."""
        return 8 if self.formulation == "global" else math.lcm(8, 4 * self.element)
