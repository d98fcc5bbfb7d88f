"""The lifting "P" (paper Fig. 3): an image becomes features at four sizes.

The skeleton is the same for every family of blocks: a stem, four stages with down-sampling
between them, and shallow features of the reduced image merged in at half and quarter size.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from dgno_core.encoders.config import BlockConfig
from dgno_core.encoders.stages import build_stage
from dgno_core.layers.resampling import Downsample

Activation = Literal["gelu", "relu"]


class ShallowFeatures(nn.Module):
    """Features of a reduced input image: four convolutions and an instance norm.

    Parameters
    ----------
    image_channels : int
        Channels of the image.
    channels : int
        C of the output, a multiple of 4.
    activation : {"gelu", "relu"}
        After the first three convolutions. The released checkpoints do not tell which.
    """

    def __init__(self, image_channels: int, channels: int, activation: Activation = "gelu") -> None:
        super().__init__()
        quarter, half = channels // 4, channels // 2
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(image_channels, quarter, 3, padding=1),
                nn.Conv2d(quarter, half, 1),
                nn.Conv2d(half, half, 3, padding=1),
                nn.Conv2d(half, channels, 1),
            ]
        )
        self.activation = nn.GELU() if activation == "gelu" else nn.ReLU()
        self.norm = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, image: Tensor) -> Tensor:
        """Map ``(B, image_channels, Y, X)`` to ``(B, C, Y, X)``."""
        x = image
        for conv in self.convs[:-1]:
            x = self.activation(conv(x))
        features: Tensor = self.norm(self.convs[-1](x))
        return features


class Merge(nn.Module):
    """Merge encoder features with shallow ones: concatenate, 3x3 convolution with bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * channels, channels, 3, padding=1)

    def forward(self, features: Tensor, shallow: Tensor) -> Tensor:
        """Map two ``(B, C, Y, X)`` to one."""
        merged: Tensor = self.conv(torch.cat([features, shallow], dim=1))
        return merged


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
        shallow_activation: Activation = "gelu",
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
