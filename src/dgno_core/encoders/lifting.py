"""The lifting "P" (paper Fig. 3): an image becomes features at four sizes.

The skeleton is the same for every family of blocks: a stem, four stages with down-sampling
between them, and shallow features of the reduced image merged in at half and quarter size.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from dgno_core.encoders.config import BlockConfig
from dgno_core.encoders.stages import build_stage
from dgno_core.layers.resampling import Downsample
from dgno_core.layers.shallow import Merge, ShallowFeatures


class Lifting(nn.Module):
    """Encoder features of four levels.

    Parameters
    ----------
    image_channels : int
        Channels of the image.
    width : int
        w: the levels have w, 2w, 4w and 8w channels.
    blocks : BlockConfig
        Family of the blocks.
    counts : tuple of int
        Blocks of each level.
    shallow_activation : {"gelu", "relu"}
        See `ShallowFeatures`.
    """

    def __init__(
        self,
        image_channels: int,
        width: int,
        blocks: BlockConfig,
        counts: tuple[int, int, int, int],
        shallow_activation: Literal["gelu", "relu"] = "gelu",
    ) -> None:
        super().__init__()
        widths = [width << level for level in range(4)]
        self.stem = nn.Conv2d(image_channels, width, 3, padding=1, bias=False)
        self.stages = nn.ModuleList(
            build_stage(blocks, level, channels, count)
            for level, (channels, count) in enumerate(zip(widths, counts, strict=True))
        )
        self.downs = nn.ModuleList(map(Downsample, widths[:3]))
        self.shallow = nn.ModuleList(
            ShallowFeatures(image_channels, channels, shallow_activation)
            for channels in widths[1:3]
        )
        self.merges = nn.ModuleList(map(Merge, widths[1:3]))

    def forward(self, pyramid: tuple[Tensor, Tensor, Tensor]) -> list[Tensor]:
        """Lift an image.

        Parameters
        ----------
        pyramid : tuple of Tensor
            The image at full, half and quarter size.

        Returns
        -------
        list of Tensor
            ``(B, w, Y, X)``, ``(B, 2w, Y/2, X/2)``, ``(B, 4w, Y/4, X/4)``, ``(B, 8w, Y/8, X/8)``.
        """
        x = self.stem(pyramid[0])
        levels = []
        for level, stage in enumerate(self.stages):
            if level > 0:
                x = self.downs[level - 1](x)
            if level in (1, 2):
                x = self.merges[level - 1](x, self.shallow[level - 1](pyramid[level]))
            x = stage(x)
            levels.append(x)
        return levels
