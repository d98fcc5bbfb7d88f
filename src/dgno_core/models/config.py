"""What a network is made of: one frozen description, stored inside every weights file."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import Field, model_validator

from dgno_core.base_config import BaseConfig
from dgno_core.encoders.config import BlockConfig, MambaBlocks, RestormerBlocks
from dgno_core.encoders.mpt_config import MPTBlocks
from dgno_core.numerics.flux_spec import AssemblyName, BoundaryName, FluxSpec, Formulation
from dgno_core.numerics.fluxes import FluxName

Channels: TypeAlias = Annotated[Literal[1, 3], Field(description="image channels")]
# Far above any network of use, far below what would fill a computer from a forged card.
Count: TypeAlias = Annotated[int, Field(ge=0, le=200)]
Width: TypeAlias = Annotated[int, Field(gt=0, le=2048)]
Counts: TypeAlias = tuple[Count, Count, Count, Count]

Lifted = TypeVar("Lifted", bound="DGNOConfig | RestormerConfig | MPTConfig")


def _blocks_fit(config: Lifted) -> Lifted:
    """Refuse widths that the heads do not divide, and a pyramid of another number of blocks."""
    blocks = config.lifting
    if isinstance(blocks, RestormerBlocks | MPTBlocks):
        for level, heads in enumerate(blocks.heads):
            width = config.width << level
            if width % heads:
                raise ValueError(f"{width} channels are not a multiple of {heads} heads")
    if isinstance(blocks, MPTBlocks):
        lengths = tuple(map(len, blocks.reductions))
        if lengths != config.blocks:
            raise ValueError(f"the pyramid has {lengths} scales for {config.blocks} blocks")
    return config


class DGNOConfig(BaseConfig):
    """Architecture of a DGNO network (paper Sec. 3.2, "Network details").

    The defaults are the paper's DGNO-Cell. Widths of the four levels are `width` times 1, 2, 4
    and 8; the operators of the three scales work at 4, 2 and 1 times `width`.
    """

    kind: Literal["dgno"] = "dgno"
    channels: Channels = 1
    width: Width = Field(48, multiple_of=4)
    blocks: Counts = Field((2, 4, 6, 2), description="encoder blocks a level")
    lifting: BlockConfig = Field(MambaBlocks(), description="family of the encoder blocks")
    heads: int = Field(16, gt=0, le=2048)
    formulation: Literal[Formulation, "window", "global"] = Field(
        "cell",
        description="DG with fluxes between volume or face operators, windows without fluxes, or "
        "one integral over the whole image (SRNO)",
    )
    flux: FluxName = "jump"
    boundary: BoundaryName = "neumann"
    assembly: AssemblyName = "paper"
    tau: float = Field(0.25, description="penalty of the jump; start value where it is learnt")
    learn_tau: bool = True
    element: int = Field(8, gt=0, le=256, description="element size in pixels, at every scale")
    iterations: int = Field(2, ge=1, le=200, description="operator layers a scale, T")
    shallow_activation: Literal["gelu", "relu"] = "gelu"

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self

    _check_blocks = model_validator(mode="after")(_blocks_fit)

    @property
    def spec(self) -> FluxSpec | None:
        """How the operators exchange fluxes; None for the two integrals without."""
        if self.formulation == "window" or self.formulation == "global":
            return None
        return FluxSpec(self.formulation, self.flux, self.boundary, self.tau, self.assembly)

    @property
    def multiple(self) -> int:
        """Image sides are padded to a multiple of this, so that elements fit at every scale."""
        elements = 1 if self.formulation == "global" else 4 * self.element
        return math.lcm(self.lifting.multiple, elements)


class NAFNetConfig(BaseConfig):
    """Architecture of NAFNet (arXiv 2204.04676); the defaults are its width-32 deblurring net."""

    kind: Literal["nafnet"] = "nafnet"
    channels: Channels = 1
    width: Width = Field(32, multiple_of=2)
    encoder: Counts = Field((1, 1, 1, 28), description="blocks a level")
    middle: Count = 1
    decoder: Counts = Field((1, 1, 1, 1), description="blocks a level, coarse to fine")

    @property
    def multiple(self) -> int:
        """Image sides are padded to a multiple of this."""
        return 16


class RestormerConfig(BaseConfig):
    """Architecture of Restormer (arXiv 2111.09881, Sec. 4)."""

    kind: Literal["restormer"] = "restormer"
    channels: Channels = 1
    width: Width = Field(48, multiple_of=2)
    blocks: Counts = (4, 6, 6, 8)
    refinement: Count = 4
    lifting: RestormerBlocks = RestormerBlocks()

    _check_blocks = model_validator(mode="after")(_blocks_fit)

    @property
    def multiple(self) -> int:
        """Image sides are padded to a multiple of this."""
        return self.lifting.multiple


class MPTConfig(BaseConfig):
    """Architecture of MPT (CVPR 2024, Sec. 3.1 and 4.1)."""

    kind: Literal["mpt"] = "mpt"
    channels: Channels = 1
    width: Width = Field(40, multiple_of=2)
    blocks: Counts = (6, 6, 6, 6)
    lifting: MPTBlocks = MPTBlocks()

    _check_blocks = model_validator(mode="after")(_blocks_fit)

    @property
    def multiple(self) -> int:
        """Image sides are padded to a multiple of this."""
        return self.lifting.multiple


NetworkConfig: TypeAlias = Annotated[
    DGNOConfig | NAFNetConfig | RestormerConfig | MPTConfig, Field(discriminator="kind")
]
