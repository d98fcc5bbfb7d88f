"""What all networks have in common: any size in, a list of restored images out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.models.card import ModelCard
from dgno_core.models.config import NetworkConfig

MINIMUM_SIDE = 16


class Network(nn.Module, ABC):
    """An image restoration network; subclasses write `restore`.

    Parameters
    ----------
    config : NetworkConfig
        Architecture.

    Attributes
    ----------
    config : NetworkConfig
        Architecture.
    card : ModelCard or None
        What the weights are for; None for random weights.
    scales : int
        Number of restored images that `forward` returns.
    """

    config: NetworkConfig
    card: ModelCard | None
    scales: ClassVar[int] = 1

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.card = None

    @abstractmethod
    def restore(self, image: Tensor) -> list[Tensor]:
        """Restore an image whose sides are multiples of ``config.multiple``.

        Parameters
        ----------
        image : Tensor
            ``(B, C, Y, X)``.

        Returns
        -------
        list of Tensor
            The restored image, coarse to fine; the last one has the size of the input.
        """

    def forward(self, image: Tensor) -> list[Tensor]:
        """Restore an image.

        Parameters
        ----------
        image : Tensor
            ``(B, C, Y, X)``, intensities scaled to about 0 ... 1, sides of at least 16 pixels.

        Returns
        -------
        list of Tensor
            The restored image, coarse to fine, of the padded size except for the last one, which
            has the size of the input: for DGNO a quarter, half and full, for the others only full.

        Raises
        ------
        ValueError
            If a side is shorter than 16 pixels.
        """
        height, width = image.shape[-2:]
        if min(height, width) < MINIMUM_SIDE:
            raise ValueError(
                f"the image is {height} x {width} pixels; the network needs at least "
                f"{MINIMUM_SIDE} in each direction"
            )
        padded = pad_by_reflection(image, self.config.multiple)
        outputs = self.restore(padded.contiguous(memory_format=torch.channels_last))
        outputs[-1] = outputs[-1][..., :height, :width]
        return outputs


def pad_by_reflection(image: Tensor, multiple: int) -> Tensor:
    """Extend the bottom and right by reflection until both sides are multiples.

    Parameters
    ----------
    image : Tensor
        ``(B, C, Y, X)``.
    multiple : int
        What the sides become multiples of.

    Returns
    -------
    Tensor
        ``(B, C, Y', X')``; the image stands in its top left corner.
    """
    # One reflection can add at most side - 1 pixels: narrow images need several.
    while (down := -image.shape[-2] % multiple) or -image.shape[-1] % multiple:
        right = -image.shape[-1] % multiple
        step = (0, min(right, image.shape[-1] - 1), 0, min(down, image.shape[-2] - 1))
        image = F.pad(image, step, mode="reflect")
    return image
