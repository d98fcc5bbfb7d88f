"""Networks with random weights, from a name or a configuration."""

from __future__ import annotations

import torch

from dgno_core.models.architectures import architecture
from dgno_core.models.config import (
    DGNOConfig,
    MPTConfig,
    NAFNetConfig,
    NetworkConfig,
    RestormerConfig,
)
from dgno_core.models.dgno import DGNO
from dgno_core.models.mpt import MPT
from dgno_core.models.nafnet import NAFNet
from dgno_core.models.network import Network
from dgno_core.models.restormer import Restormer


def build_model(name_or_config: str | NetworkConfig, channels: int = 1) -> Network:
    """A network with random weights.

    Parameters
    ----------
    name_or_config : str or NetworkConfig
        One of `model_names`, or a configuration (which states its own channels).
    channels : int
        Image channels for a name, 1 or 3.

    Returns
    -------
    Network

    Raises
    ------
    DGNOError
        If the name is unknown or the number of channels is neither 1 nor 3.

    Examples
    --------
    >>> from dgno_core import build_model
    >>> model = build_model("dgno-cell-small", channels=3)
    >>> model.config.channels, model.config.flux
    (3, 'jump')
    """
    config = (
        architecture(name_or_config, channels)
        if isinstance(name_or_config, str)
        else name_or_config
    )
    # Channels-last from the start: a saved and reloaded network computes in the same order.
    network = _network_class(config)(config)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _network_class(config: NetworkConfig) -> type[Network]:
    match config:
        case DGNOConfig():
            return DGNO
        case NAFNetConfig():
            return NAFNet
        case RestormerConfig():
            return Restormer
        case MPTConfig():
            return MPT
