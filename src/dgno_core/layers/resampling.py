"""Resampling by pixel shuffles, and the pyramid of the input image."""

from __future__ import annotations

from torch import Tensor, nn


class Downsample(nn.Module):
    """``(B, C, Y, X)`` to ``(B, 2C, Y/2, X/2)``: 3x3 convolution and pixel unshuffle."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False)
        self.shuffle = nn.PixelUnshuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the resolution."""
        return self.shuffle(self.conv(x))


class Upsample(nn.Module):
    """``(B, C, Y, X)`` to ``(B, C/2, 2Y, 2X)``: 3x3 convolution and pixel shuffle."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """Double the resolution."""
        return self.shuffle(self.conv(x))


def input_pyramid(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The image at full, half and quarter size, by taking every second pixel.

    Parameters
    ----------
    image : Tensor
        ``(B, C, Y, X)``.

    Returns
    -------
    tuple of Tensor
        Full, half and quarter size.
    """
    half = image[..., ::2, ::2]
    return image, half, half[..., ::2, ::2]
