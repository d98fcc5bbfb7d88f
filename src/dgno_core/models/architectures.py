"""Names of architectures, and what each of them is made of."""

from __future__ import annotations

from typing import Any

from dgno_core.encoders.config import NAFBlocks, RestormerBlocks
from dgno_core.encoders.mpt_config import MPTBlocks
from dgno_core.errors import DGNOError
from dgno_core.models.config import (
    DGNOConfig,
    MPTConfig,
    NAFNetConfig,
    NetworkConfig,
    RestormerConfig,
)
from dgno_core.wording import did_you_mean

# Best settings of the paper's Table 3; the small ones keep them at a third of the width.
_CELL = DGNOConfig(formulation="cell", flux="jump", boundary="neumann")
_FACE = DGNOConfig(formulation="face", flux="average_jump", boundary="dirichlet")
_SMALL: dict[str, Any] = {"width": 16, "heads": 4, "blocks": (1, 4, 6, 2)}

# The paper's Table 6: the same operators on the encoders of other networks, at their own sizes.
_NAFNET, _RESTORMER, _MPT = NAFNetConfig(), RestormerConfig(), MPTConfig()

ARCHITECTURES: dict[str, NetworkConfig] = {
    "dgno-cell": _CELL,
    "dgno-face": _FACE,
    "galerkin-global": DGNOConfig(formulation="global"),
    "galerkin-window": DGNOConfig(formulation="window"),
    "dgno-cell-small": _CELL.changed(**_SMALL),
    "dgno-face-small": _FACE.changed(**_SMALL),
    "nafnet": _NAFNET,
    "restormer": _RESTORMER,
    "mpt": _MPT,
    "nafnet-dgno": _FACE.changed(lifting=NAFBlocks(), width=_NAFNET.width, blocks=_NAFNET.encoder),
    "restormer-dgno": _FACE.changed(
        lifting=RestormerBlocks(), width=_RESTORMER.width, blocks=_RESTORMER.blocks
    ),
    # MPT's 40 channels divide into 8 heads, not into 16.
    "mpt-dgno": _FACE.changed(lifting=MPTBlocks(), width=_MPT.width, blocks=_MPT.blocks, heads=8),
}


def model_names() -> list[str]:
    """Names of the architectures that `build_model` knows."""
    return list(ARCHITECTURES)


def architecture(name: str, channels: int = 1) -> NetworkConfig:
    """Configuration of a named architecture.

    Parameters
    ----------
    name : str
        One of `model_names`.
    channels : int
        Image channels, 1 or 3.

    Returns
    -------
    NetworkConfig

    Raises
    ------
    DGNOError
        If the name is unknown or the number of channels is neither 1 nor 3.
    """
    if name not in ARCHITECTURES:
        raise DGNOError(
            f"There is no network {name!r}{did_you_mean(name, ARCHITECTURES)}; choose one of "
            f"{', '.join(ARCHITECTURES)}."
        )
    if channels not in (1, 3):
        raise DGNOError(f"A network has 1 or 3 image channels, not {channels}.")
    return ARCHITECTURES[name].changed(channels=channels)
