"""Every architecture, made small."""

from __future__ import annotations

from typing import Any

from dgno_core.encoders.config import MambaBlocks, NAFBlocks, RestormerBlocks
from dgno_core.encoders.mpt_config import MPTBlocks
from dgno_core.models import DGNOConfig, MPTConfig, NAFNetConfig, NetworkConfig, RestormerConfig

ONE = (1, 1, 1, 1)
PYRAMID = ((8,), (4,), (2,), (2,))
OPERATORS: dict[str, Any] = {"width": 8, "heads": 2, "blocks": ONE, "iterations": 1}
SMALL: dict[str, NetworkConfig] = {
    "dgno-cell": DGNOConfig(**OPERATORS, lifting=MambaBlocks(tokens=8, rank=4, state=2)),
    "dgno-face": DGNOConfig(**OPERATORS, formulation="face", flux="average_jump"),
    "galerkin-global": DGNOConfig(**OPERATORS, formulation="global"),
    "galerkin-window": DGNOConfig(**OPERATORS, formulation="window"),
    "nafnet-dgno": DGNOConfig(**OPERATORS, lifting=NAFBlocks()),
    "restormer-dgno": DGNOConfig(**OPERATORS, lifting=RestormerBlocks()),
    "mpt-dgno": DGNOConfig(**OPERATORS, lifting=MPTBlocks(reductions=PYRAMID)),
    "nafnet": NAFNetConfig(width=8, encoder=ONE, decoder=ONE),
    "restormer": RestormerConfig(width=8, blocks=ONE, refinement=1),
    "mpt": MPTConfig(width=8, blocks=ONE, lifting=MPTBlocks(reductions=PYRAMID)),
}
