"""What a layer computes once, when it is built."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def initial(
    shape: tuple[int, ...], compute: Callable[[], Tensor], dtype: torch.dtype = torch.float32
) -> Tensor:
    """Compute a start value or a table of indices; on the meta device, only its shape counts.

    A network is built on the meta device to compare its shapes with a file, or to count its cost.
    PyTorch's arithmetic is written in Python there, and loads its compiler and sympy first, for
    most of a second.

    Parameters
    ----------
    shape : tuple of int
        Of the result.
    compute : callable
        Gives the result; not called on the meta device.
    dtype : torch.dtype
        Of the result.

    Returns
    -------
    Tensor
        On the device that `torch.device` has set, as a context, or the CPU.
    """
    if torch.get_default_device().type == "meta":
        return torch.empty(shape, dtype=dtype)
    return compute()
