"""The one protocol of the encoders: a stage is a run of blocks that keep the map's shape."""

from __future__ import annotations

from torch import nn

from dgno_core.encoders.config import BlockConfig, MambaBlocks, NAFBlocks, RestormerBlocks
from dgno_core.encoders.mambair import MambaBlock
from dgno_core.encoders.mpt import MPTBlock
from dgno_core.encoders.nafnet import NAFBlock
from dgno_core.encoders.restormer import RestormerBlock


def build_block(config: BlockConfig, level: int, index: int, channels: int) -> nn.Module:
    """One block, mapping ``(B, C, Y, X)`` to the same shape.

    Parameters
    ----------
    config : BlockConfig
        Family and settings.
    level : int
        0 for full size, 1 for half, ...
    index : int
        Number of the block in its stage, from 0 on.
    channels : int
        C.

    Returns
    -------
    nn.Module
    """
    if isinstance(config, MambaBlocks):
        return MambaBlock(
            channels,
            state=config.state,
            tokens=config.tokens,
            rank=config.rank,
            routing_noise=config.routing_noise,
            routing_gradient=config.routing_gradient,
        )
    if isinstance(config, NAFBlocks):
        return NAFBlock(channels, config.expansion, config.feed_expansion)
    if isinstance(config, RestormerBlocks):
        return RestormerBlock(channels, config.heads[level], config.expansion)
    return MPTBlock(channels, config, level, index)


def build_stage(config: BlockConfig, level: int, channels: int, count: int) -> nn.Sequential:
    """The blocks of one level.

    Parameters
    ----------
    config, level, channels
        See `build_block`.
    count : int
        Number of blocks.

    Returns
    -------
    nn.Sequential
    """
    return nn.Sequential(*(build_block(config, level, i, channels) for i in range(count)))
