"""What the blocks of an encoder are: one frozen description a family, one protocol for all.

Kept apart from the modules so that a model card can be read without torch.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from dgno_core.base_config import BaseConfig
from dgno_core.encoders.mpt_config import Heads, MPTBlocks

RoutingGradient: TypeAlias = Literal["softmax", "gumbel"]


class MambaBlocks(BaseConfig):
    """Blocks of the attentive state-space encoder (arXiv 2411.15269), DGNO's own lifting."""

    kind: Literal["mamba"] = "mamba"
    state: int = Field(8, gt=0, le=256)
    tokens: int = Field(64, gt=0, le=4096)
    rank: int = Field(32, gt=0, le=4096)
    routing_noise: bool = Field(False, description="Gumbel noise in the router while training")
    routing_gradient: RoutingGradient = Field(
        "softmax",
        description="what the router's gradient differentiates: its softmax, or with the noise in "
        "it, as the papers' Gumbel-softmax; without noise the two are one",
    )

    @property
    def multiple(self) -> int:
        """Sides of the image must be multiples of this, so that the blocks of all levels fit."""
        return 8


class NAFBlocks(BaseConfig):
    """Blocks of NAFNet (arXiv 2204.04676, Fig. 3)."""

    kind: Literal["nafnet"] = "nafnet"
    expansion: int = Field(2, gt=0, le=16, description="of the depthwise half")
    feed_expansion: int = Field(2, gt=0, le=16, description="of the feed-forward half")

    @property
    def multiple(self) -> int:
        """Sides of the image must be multiples of this."""
        return 8


class RestormerBlocks(BaseConfig):
    """Blocks of Restormer (arXiv 2111.09881, Sec. 3)."""

    kind: Literal["restormer"] = "restormer"
    heads: tuple[Heads, Heads, Heads, Heads] = (1, 2, 4, 8)
    expansion: float = Field(2.66, gt=0, le=16)

    @property
    def multiple(self) -> int:
        """Sides of the image must be multiples of this."""
        return 8


BlockConfig: TypeAlias = Annotated[
    MambaBlocks | NAFBlocks | RestormerBlocks | MPTBlocks, Field(discriminator="kind")
]
