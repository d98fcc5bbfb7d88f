"""Shallow branch for the reduced input images, and its fusion with the encoder."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

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
