"""What MPT's blocks are, with every choice of the paper's ablations (CVPR 2024).

`ABLATIONS` names the rows of Tables 3, 4, 9 and 10, each as the settings that it changes.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from dgno_core.base_config import BaseConfig

Heads: TypeAlias = Annotated[int, Field(gt=0, le=2048)]
Level: TypeAlias = tuple[Annotated[int, Field(ge=1, le=256)], ...]
Reductions: TypeAlias = tuple[Level, Level, Level, Level]
Attentions: TypeAlias = Literal["cswa+isca", "cswa+cswa", "wa+wa", "isca+isca", "wa+isca"]
Fusion: TypeAlias = Literal["gated", "reversed", "concatenated", "added"]
Shortcut: TypeAlias = Literal["x1", "x2", "both", "none"]
DownSampling: TypeAlias = Literal[
    "average", "no_shortcut", "no_linear", "maximum", "convolution", "bicubic"
]

SCALE_SETS: MappingProxyType[str, Reductions] = MappingProxyType(
    {
        "paper": ((8, 8, 4, 4, 1, 1), (4, 4, 2, 2, 1, 1), (2, 2, 2, 2, 1, 1), (2, 2, 2, 2, 1, 1)),
        "flat": ((1,) * 6, (1,) * 6, (1,) * 6, (1,) * 6),
        "smaller": (
            (16, 16, 8, 8, 1, 1),
            (8, 8, 4, 4, 1, 1),
            (4, 4, 2, 2, 1, 1),
            (4, 4, 2, 2, 1, 1),
        ),
        "larger": ((4, 4, 2, 2, 1, 1), (2, 2, 2, 2, 1, 1), (2, 2, 2, 2, 1, 1), (2, 2, 2, 2, 1, 1)),
    }
)
"""1/s of every block (Sec. 4.1 and V1 to V3 of Table 10).

The paper lists seven scales for some levels although these have six blocks; here, as in the
released code, they have one 1/2 less.
"""


class MPTBlocks(BaseConfig):
    """Blocks of the multi-pyramid transformer.

    The defaults are the paper's MPT. The released checkpoints need ``alignment="official"`` and
    ``shortcut="x2"``: their code differs from the paper in both, independently of each other.
    """

    kind: Literal["mpt"] = "mpt"
    heads: tuple[Heads, Heads, Heads, Heads] = (1, 2, 4, 8)
    window: int = Field(8, gt=1, le=256, description="side of a window in pixels, M")
    expansion: float = Field(2.6, gt=0, le=16, description="hidden width of FEFN over C, alpha")
    reductions: Reductions = Field(
        SCALE_SETS["paper"],
        description="1/s of every block, level by level: s is the scale of its pyramid",
    )
    alignment: Literal["spatial", "official"] = Field(
        "spatial",
        description="which window of keys a window of queries meets at scales below 1: the one at "
        "its own place (the paper), or the one that the released code takes",
    )
    attention: Attentions = Field(
        "cswa+isca",
        description="the attentions that give x1 and x2 (Table 3): cross-scale window, plain "
        "window, or intra-scale channel attention",
    )
    fusion: Fusion = Field(
        "gated",
        description="how FEFN joins x1 and x2 (Table 4): GELU(x2) x1, GELU(x1) x2, "
        "GELU of both side by side, or GELU of their sum",
    )
    shortcut: Shortcut = Field(
        "x1",
        description="what FEFN adds to its result: x1 in the paper (Eq. 3), x2 in the released "
        "code",
    )
    down_sampling: DownSampling = Field(
        "average",
        description="of the keys and values: average pooling, to which its 1x1 convolution is "
        "added (Fig. 7), or one of the variants of Table 9",
    )
    np_conv: bool = Field(
        True, description="3x3 depthwise convolution of queries, keys and values of windows"
    )
    shift: bool = Field(True, description="shift the windows by half in every other block")

    @property
    def multiple(self) -> int:
        """Sides of the image must be multiples of this, so that whole windows fit everywhere."""
        return math.lcm(
            *(
                self.window_side(level, index) << level
                for level, reductions in enumerate(self.reductions)
                for index in range(len(reductions))
            )
        )

    def window_side(self, level: int, index: int) -> int:
        """Side of the region in pixels that a block's windows divide the map into."""
        if "cswa" in self.attention:
            return self.window * self.reductions[level][index]
        return self.window if "wa" in self.attention else 1


ABLATIONS: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        "attention-v1": {"attention": "cswa+cswa"},
        "attention-v2": {"attention": "wa+wa"},
        "attention-v3": {"attention": "isca+isca"},
        "attention-v4": {"attention": "wa+isca"},
        "fefn-v1": {"fusion": "concatenated"},
        "fefn-v2": {"fusion": "added"},
        "fefn-v3": {"fusion": "reversed"},
        "ds1": {"down_sampling": "no_shortcut"},
        "ds2": {"down_sampling": "no_linear"},
        "ds3": {"down_sampling": "maximum"},
        "ds4": {"down_sampling": "convolution"},
        "ds5": {"down_sampling": "bicubic"},
        "without-npconv": {"np_conv": False},
        "without-shift": {"shift": False},
        # The paper draws these four (Fig. 8) and says in words only that they vary the activated
        # branch and the shortcut, and that the first is V3: the other three are our reading.
        "fefn1": {"fusion": "reversed"},
        "fefn2": {"shortcut": "x2"},
        "fefn3": {"shortcut": "none"},
        "fefn4": {"fusion": "reversed", "shortcut": "x2"},
        "scales-v1": {"reductions": SCALE_SETS["flat"]},
        "scales-v2": {"reductions": SCALE_SETS["smaller"]},
        "scales-v3": {"reductions": SCALE_SETS["larger"]},
    }
)
"""Settings that differ from the paper's MPT in each row of its ablation tables."""
