"""The multi-scale loss of the DGNO paper (App. G): spatial plus 0.1 frequency, three scales."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

FREQUENCY_WEIGHT = 0.1


def frequency_l1(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the real and imaginary parts of the 2-D spectra.

    Parameters
    ----------
    output, target : Tensor
        ``(B, C, Y, X)``.

    Returns
    -------
    Tensor
        Scalar.
    """
    difference = torch.fft.fft2((output - target).float())
    return torch.view_as_real(difference).abs().mean()


def target_pyramid(target: Tensor, scales: int) -> list[Tensor]:
    """The target at each scale, coarse to fine, halved by bilinear interpolation.

    Parameters
    ----------
    target : Tensor
        ``(B, C, Y, X)``.
    scales : int
        Number of scales.

    Returns
    -------
    list of Tensor
        The last one is `target`.
    """
    pyramid = [target]
    for _ in range(scales - 1):
        pyramid.insert(0, F.interpolate(pyramid[0], scale_factor=0.5, mode="bilinear"))
    return pyramid


def multiscale_loss(outputs: Sequence[Tensor], target: Tensor) -> Tensor:
    """L1 plus 0.1 frequency L1, each a mean over its scale, summed over the scales.

    Parameters
    ----------
    outputs : sequence of Tensor
        Coarse to fine, each half the size of the next; the last has the size of `target`.
    target : Tensor
        ``(B, C, Y, X)``.

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    ValueError
        If an output does not have the size of its target.
    """
    total = target.new_zeros(())
    for output, sharp in zip(outputs, target_pyramid(target, len(outputs)), strict=True):
        if output.shape != sharp.shape:
            raise ValueError(
                f"an output of {tuple(output.shape)} cannot be compared with a target of "
                f"{tuple(sharp.shape)}: train on sides that the network does not pad"
            )
        total = total + F.l1_loss(output, sharp)
        total = total + FREQUENCY_WEIGHT * frequency_l1(output, sharp)
    return total
