"""What MPT's blocks are, with every choice of the paper's ablations (CVPR 2024, Tabs. 3, 4, 9, 10)."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from pydantic import Field

from dgno_core.frozen import Frozen

Reductions: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]

SCALES: Reductions = (
    (8, 8, 4, 4, 1, 1),
    (4, 4, 2, 2, 1, 1),
    (2, 2, 2, 2, 1, 1),
    (2, 2, 2, 2, 1, 1),
)


class MPTBlocks(Frozen):
    """Blocks of the multi-pyramid transformer."""

    kind: Literal["mpt"] = "mpt"
    heads: tuple[int, int, int, int] = (1, 2, 4, 8)
    window: int = Field(8, gt=0, description="side of a window in pixels, M")
    expansion: float = Field(2.6, gt=0)
    reductions: Reductions = Field(
        SCALES, description="1/s of every block, level by level: s is the scale of its pyramid"
    )
    alignment: Literal["spatial", "official"] = "spatial"

    @property
    def multiple(self) -> int:
        """Sides of the image must be multiples of this, so that whole windows fit everywhere."""
        return math.lcm(
            *(
                self.window * reduction << level
                for level, reductions in enumerate(self.reductions)
                for reduction in reductions
            )
        )
