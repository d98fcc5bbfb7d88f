"""The terms of extended frequency contrastive regularisation, EFCR (MPT paper, Eqs. 4-10).

Symbols of the paper: I^in `blurred`, I^gt `target`, I^out `output`; B^in `reblurred` (I^in, blurred
once more), B^out `output_of_reblurred`; f^h and f^l the high and low Haar bands. The output is
pulled to the target (L+) and pushed off the blurred image (L-), and the network must change a
reblurred image (L_ext). Nothing is detached: gradients reach the network through `output` and
through `output_of_reblurred`.

The norm ||.||_1 is a mean or a sum; the paper does not say which, and it matters, because L_ext is
a ratio near 1 whichever is taken. With ``"mean"``, the default, L- is of the order of 0.1 and L_ext
governs the denominator; the value does not depend on the size of the crop, and the released code
takes means too. With ``"sum"``, the letter of the notation, L- is in the hundreds for a crop and
L_ext all but vanishes beside it.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from dgno_core.numerics.precision import widen

Norm = Literal["mean", "sum"]

# Keeps ratios finite where there is nothing to compare; the released code's.
EPSILON = 3e-7


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


def positive_term(
    output: Tensor, target: Tensor, *, low: bool = True, norm: Norm = "mean"
) -> Tensor:
    """L+, the distance of the output's bands from the target's (Eq. 4; Eq. 8 without `low`).

    Parameters
    ----------
    output, target : Tensor
        ``(B, C, Y, X)``.
    low : bool
        Count the low band too.
    norm : {"mean", "sum"}
        Of the absolute values, for the high bands together and for the low band.

    Returns
    -------
    Tensor
        ``(B,)``.

    Raises
    ------
    ValueError
        If the shapes differ or the norm is unknown; so for every term.
    """
    coarse, detail = _difference(output, target)
    return _l1(detail, norm) + _l1(coarse, norm) if low else _l1(detail, norm)


def negative_term(output: Tensor, blurred: Tensor, *, norm: Norm = "mean") -> Tensor:
    """L-, the distance of the output's high bands from the blurred image's (Eqs. 5 and 9).

    Parameters
    ----------
    output, blurred : Tensor
        ``(B, C, Y, X)``.
    norm : {"mean", "sum"}
        Of the absolute values.

    Returns
    -------
    Tensor
        ``(B,)``.
    """
    return _l1(_difference(output, blurred)[1], norm)


def extended_term(blurred: Tensor, reblurred: Tensor, output_of_reblurred: Tensor) -> Tensor:
    """L_ext, how far the network moves a reblurred image, in units of the reblur (Eqs. 6 and 10).

    Parameters
    ----------
    blurred, reblurred, output_of_reblurred : Tensor
        ``(B, C, Y, X)``.

    Returns
    -------
    Tensor
        ``(B,)``. Means and sums give the same ratio. It is huge where the reblur changed nothing
        and the network did: an image without detail then hardly counts in the regularisation.
    """
    moved = _l1(_difference(output_of_reblurred, reblurred)[1], "sum")
    return moved / (_l1(_difference(blurred, reblurred)[1], "sum") + EPSILON)


def contrastive_ratio(positive: Tensor, negative: Tensor, extended: Tensor | None = None) -> Tensor:
    """L_CR, the mean over the batch of each sample's L+ / (L- + L_ext) (Eq. 7).

    Parameters
    ----------
    positive, negative : Tensor
        ``(B,)``.
    extended : Tensor, optional
        ``(B,)``; without it, the ratio is L+ / L-.

    Returns
    -------
    Tensor
        Scalar, finite even where both terms of the denominator are 0.

    Raises
    ------
    ValueError
        If the batches have not the same length.
    """
    if extended is not None:
        if len(extended) != len(negative):
            raise ValueError(
                f"{len(extended)} reblurred samples cannot be paired with {len(negative)} others: "
                "the two batches must have the same length"
            )
        negative = negative + extended
    return (positive / (negative + EPSILON)).mean()


def _difference(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Haar bands of the difference, which are the differences of the bands."""
    if one.shape != other.shape:  # broadcasting would accept a grey image beside a colour one
        raise ValueError(
            f"images of shapes {tuple(one.shape)} and {tuple(other.shape)} cannot be compared"
        )
    return haar(one - other)


def _l1(bands: Tensor, norm: Norm) -> Tensor:
    """The norm of each sample's bands: ``(B,)``."""
    if norm not in get_args(Norm):
        raise ValueError(f"norm must be one of {', '.join(get_args(Norm))}, not {norm!r}")
    sizes = bands.abs().flatten(1)
    return sizes.mean(1) if norm == "mean" else sizes.sum(1)
