"""The pixel loss of the MPT paper: L_1 of its Eq. 7."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F


def pixel_loss(outputs: Sequence[Tensor], target: Tensor) -> Tensor:
    """Mean absolute difference between the finest output and the target.

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
