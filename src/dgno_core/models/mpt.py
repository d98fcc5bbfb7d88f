"""The multi-pyramid transformer MPT (CVPR 2024, arXiv 2403.02611, Fig. 2)."""

from __future__ import annotations

from torch import Tensor, nn

from dgno_core.encoders.stages import build_stage
from dgno_core.layers.resampling import Downsample, Upsample
from dgno_core.models.config import MPTConfig
from dgno_core.models.network import Network


class MPT(Network):
    """Seven pyramid blocks in a U; encoder features are added to those of the decoder.

    The network predicts what to add to the image, as its released code does. (Fig. 2 draws this
    shortcut between the features behind the first and before the last convolution instead.)

    Parameters
    ----------
    config : MPTConfig
        Architecture.
    """

    config: MPTConfig

    def __init__(self, config: MPTConfig) -> None:
        super().__init__(config)
        widths = [config.width << level for level in range(4)]

        def stage(level: int) -> nn.Sequential:
            return build_stage(config.lifting, level, widths[level], config.blocks[level])

        self.stem = nn.Conv2d(config.channels, config.width, 3, padding=1, bias=False)
        self.encoder = nn.ModuleList(map(stage, range(4)))
        self.downs = nn.ModuleList(map(Downsample, widths[:3]))
        # From here on coarse to fine: a quarter, a half, full.
        self.ups = nn.ModuleList(map(Upsample, widths[:0:-1]))
        self.decoder = nn.ModuleList(map(stage, (2, 1, 0)))
        self.head = nn.Conv2d(config.width, config.channels, 3, padding=1, bias=False)

    def restore(self, image: Tensor) -> list[Tensor]:
        """Restore ``(B, C, Y, X)``, its sides multiples of those of the windows."""
        x = self.stem(image)
        skips = []
        for stage, down in zip(self.encoder[:-1], self.downs, strict=True):
            x = stage(x)
            skips.append(x)
            x = down(x)
        x = self.encoder[-1](x)
        for up, stage in zip(self.ups, self.decoder, strict=True):
            x = stage(up(x) + skips.pop())
        return [self.head(x) + image]
