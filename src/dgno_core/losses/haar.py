"""One level of the Haar wavelet transform: a coarse band and three bands of detail."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from dgno_core.numerics.precision import widen


def haar(image: Tensor) -> tuple[Tensor, Tensor]:
    """Split an image into its low band and its three high bands.

    Each 2 x 2 block of pixels ``[[a, b], [c, d]]`` gives four coefficients, half the sum and half
    the differences of its pixels: the transform is orthonormal, so for even sides the squares of
    the coefficients add up to the squares of the pixels. An image with an odd side is continued by
    one row or column that mirrors the last but one, which counts the contrast of the last two
    once more and invents none.

    Parameters
    ----------
    image : Tensor
        ``(B, C, Y, X)``, sides of 2 or more, any dtype. Half precision and integers are computed
        in float32, since the losses sum over many coefficients.

    Returns
    -------
    low : Tensor
        ``(B, C, ceil(Y / 2), ceil(X / 2))``: (a + b + c + d) / 2.
    high : Tensor
        ``(B, C, 3, ceil(Y / 2), ceil(X / 2))``: top minus bottom, left minus right, and one
        diagonal minus the other.

    Raises
    ------
    ValueError
        If a side has fewer than 2 pixels.
    """
    height, width = image.shape[-2:]
    if min(height, width) < 2:
        raise ValueError(f"an image of {height} x {width} pixels has no Haar bands: 2 x 2 at least")
    image = widen(image)
    if height % 2 or width % 2:
        image = F.pad(image, (0, width % 2, 0, height % 2), mode="reflect")
    a, b = image[..., 0::2, 0::2], image[..., 0::2, 1::2]
    c, d = image[..., 1::2, 0::2], image[..., 1::2, 1::2]
    low = (a + b + c + d) / 2
    high = torch.stack([a + b - c - d, a - b + c - d, a - b - c + d], dim=-3) / 2
    return low, high
