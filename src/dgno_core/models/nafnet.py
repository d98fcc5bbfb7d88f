"""NAFNet (arXiv 2204.04676): a U-Net of blocks without activation functions."""

from __future__ import annotations

from torch import Tensor, nn

from dgno_core.encoders.nafnet import NAFBlock
from dgno_core.models.config import NAFNetConfig
from dgno_core.models.network import Network


class NAFNet(Network):
    """Four levels down, a middle and four levels up, joined by additive skips.

    Strided 2x2 convolutions double the channels on the way down; 1x1 convolutions and pixel
    shuffles halve them on the way up. The network predicts what to add to the image.

    Parameters
    ----------
    config : NAFNetConfig
        Architecture.
    """

    config: NAFNetConfig

    def __init__(self, config: NAFNetConfig) -> None:
        super().__init__(config)
        widths = [config.width << level for level in range(4)]
        self.stem = nn.Conv2d(config.channels, config.width, 3, padding=1)
        self.encoder = nn.ModuleList(map(_stage, widths, config.encoder))
        self.downs = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, stride=2) for c in widths)
        self.middle = _stage(2 * widths[-1], config.middle)
        # From here on coarse to fine.
        self.ups = nn.ModuleList(
            nn.Sequential(nn.Conv2d(2 * c, 4 * c, 1, bias=False), nn.PixelShuffle(2))
            for c in reversed(widths)
        )
        self.decoder = nn.ModuleList(map(_stage, reversed(widths), config.decoder))
        self.head = nn.Conv2d(config.width, config.channels, 3, padding=1)

    def restore(self, image: Tensor) -> list[Tensor]:
        """Restore ``(B, C, Y, X)``, its sides multiples of 16; see `Network.restore`."""
        x = self.stem(image)
        skips = []
        for stage, down in zip(self.encoder, self.downs, strict=True):
            x = stage(x)
            skips.append(x)
            x = down(x)
        x = self.middle(x)
        for up, stage in zip(self.ups, self.decoder, strict=True):
            x = stage(up(x) + skips.pop())
        return [self.head(x) + image]


def _stage(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(NAFBlock(channels) for _ in range(count)))
