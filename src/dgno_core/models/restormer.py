"""Restormer (arXiv 2111.09881): a U-Net of transformers that attend across channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgno_core.encoders.restormer import RestormerBlock
from dgno_core.layers.resampling import Downsample, Upsample
from dgno_core.models.config import RestormerConfig
from dgno_core.models.network import Network


class Restormer(Network):
    """Four levels, joined by concatenation, and a refinement at full size (Fig. 2).

    At a half and a quarter of the size a 1x1 convolution reduces the concatenated channels; at
    full size they stay, so that the last stages and the refinement work at twice the width. The
    network predicts what to add to the image.

    Parameters
    ----------
    config : RestormerConfig
        Architecture.
    """

    config: RestormerConfig

    def __init__(self, config: RestormerConfig) -> None:
        super().__init__(config)
        widths = [config.width << level for level in range(4)]

        def stage(channels: int, level: int, count: int) -> nn.Sequential:
            heads, expansion = config.lifting.heads[level], config.lifting.expansion
            return nn.Sequential(
                *(RestormerBlock(channels, heads, expansion) for _ in range(count))
            )

        self.stem = nn.Conv2d(config.channels, config.width, 3, padding=1, bias=False)
        self.encoder = nn.ModuleList(map(stage, widths, range(4), config.blocks))
        self.downs = nn.ModuleList(map(Downsample, widths[:3]))
        # From here on coarse to fine: a quarter, a half, full.
        self.ups = nn.ModuleList(map(Upsample, widths[:0:-1]))
        self.fusions = nn.ModuleList(
            [nn.Conv2d(2 * c, c, 1, bias=False) for c in widths[2:0:-1]] + [nn.Identity()]
        )
        wide = [*widths[2:0:-1], 2 * widths[0]]
        self.decoder = nn.ModuleList(map(stage, wide, (2, 1, 0), config.blocks[2::-1]))
        self.refinement = stage(wide[-1], 0, config.refinement)
        self.head = nn.Conv2d(wide[-1], config.channels, 3, padding=1, bias=False)

    def restore(self, image: Tensor) -> list[Tensor]:
        """Restore ``(B, C, Y, X)``, its sides multiples of 8; see `Network.restore`."""
        x = self.stem(image)
        skips = []
        for stage, down in zip(self.encoder[:-1], self.downs, strict=True):
            x = stage(x)
            skips.append(x)
            x = down(x)
        x = self.encoder[-1](x)
        for up, fuse, stage in zip(self.ups, self.fusions, self.decoder, strict=True):
            x = stage(fuse(torch.cat([up(x), skips.pop()], dim=1)))
        return [self.head(self.refinement(x)) + image]
