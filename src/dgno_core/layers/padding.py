"""Padding by reflection, so that windows and elements fit."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


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
