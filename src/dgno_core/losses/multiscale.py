"""What compares outputs with targets in the two papers.

DGNO (App. G): spatial plus 0.1 frequency, three scales. MPT (Eq. 7): L_1 of the finest output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from dgno_core.numerics.precision import widen

Downsample = Literal["bilinear", "nearest", "area"]

FREQUENCY_WEIGHT = 0.1


def frequency_l1(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the real and imaginary parts of the 2-D spectra.

    Parameters
    ----------
    output, target : Tensor
        ``(B, C, Y, X)``. Half precision is transformed in float32, since a spectrum sums over all
        pixels.

    Returns
    -------
    Tensor
        Scalar, in float32 or the inputs' higher precision.
    """
    difference = widen(output - target)
    return torch.view_as_real(torch.fft.fft2(difference)).abs().mean()


def target_pyramid(
    target: Tensor, scales: int, downsample: Downsample = "bilinear"
) -> list[Tensor]:
    """The target at each scale, coarse to fine, each half the size of the next.

    The paper does not say how. ``"bilinear"``, usual in the networks from which DGNO's three scales
    come, and ``"area"`` take the mean of 2 x 2 pixels and are the same for even sides; an odd side
    loses its last pixel with bilinear and none with area. ``"nearest"`` keeps every second pixel,
    as the network does with its own input: its coarse outputs, which are residuals on that input,
    then start without a shift of half a pixel.

    Parameters
    ----------
    target : Tensor
        ``(B, C, Y, X)``.
    scales : int
        Number of scales.
    downsample : {"bilinear", "nearest", "area"}
        Interpolation of each halving.

    Returns
    -------
    list of Tensor
        The last one is `target`.

    Raises
    ------
    ValueError
        If the interpolation is unknown.
    """
    if downsample not in get_args(Downsample):
        raise ValueError(
            f"downsample must be one of {', '.join(get_args(Downsample))}, not {downsample!r}"
        )
    pyramid = [target]
    for _ in range(scales - 1):
        pyramid.insert(0, F.interpolate(pyramid[0], scale_factor=0.5, mode=downsample))
    return pyramid


def multiscale_loss(
    outputs: Sequence[Tensor],
    target: Tensor,
    *,
    downsample: Downsample = "bilinear",
    frequency_weight: float = FREQUENCY_WEIGHT,
) -> Tensor:
    """L1 plus 0.1 frequency L1, each a mean over its scale, summed over the scales.

    Parameters
    ----------
    outputs : sequence of Tensor
        Coarse to fine, each half the size of the next; the last has the size of `target`. A network
        with one output has one scale.
    target : Tensor
        ``(B, C, Y, X)``.
    downsample : {"bilinear", "nearest", "area"}
        How the target is halved, see `target_pyramid`.
    frequency_weight : float
        Weight of the frequency term, the paper's lambda.

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    ValueError
        If an output does not have the size of its target, or the interpolation is unknown.
    """
    total = target.new_zeros(())
    pyramid = target_pyramid(target, len(outputs), downsample)
    for output, sharp in zip(outputs, pyramid, strict=True):
        if output.shape != sharp.shape:
            raise ValueError(
                f"an output of {tuple(output.shape)} cannot be compared with a target of "
                f"{tuple(sharp.shape)}: train on sides that the network does not pad"
            )
        total = total + F.l1_loss(output, sharp)
        total = total + frequency_weight * frequency_l1(output, sharp)
    return total


def pixel_loss(outputs: Sequence[Tensor], target: Tensor) -> Tensor:
    """Mean absolute difference between the finest output and the target: L_1 of MPT's Eq. 7.

    Parameters
    ----------
    outputs : sequence of Tensor
        Coarse to fine; only the last, of the size of `target`, counts.
    target : Tensor
        ``(B, C, Y, X)``.

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if outputs[-1].shape != target.shape:
        raise ValueError(
            f"an output of {tuple(outputs[-1].shape)} cannot be compared with a target of "
            f"{tuple(target.shape)}"
        )
    return F.l1_loss(outputs[-1], target)
