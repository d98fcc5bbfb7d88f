"""Half precision: what must be computed with more digits than its tensors have.

A float16 holds 11 bits and nothing above 65,504: a sum over an image overflows, and a small
variance vanishes. A bfloat16 holds 8 bits. Statistics and sums over pixels are therefore taken in
float32. Tensors of float32 and float64 are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor


def widen(tensor: Tensor) -> Tensor:
    """The tensor in float32, or in its own type if that is wider."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def in_float32(function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """Call a function in at least float32, also where autocast would take half precision.

    Parameters
    ----------
    function : callable
        Takes the tensors and gives one.
    *tensors : Tensor
        Its arguments, passed in the wider one of float32 and the type of the first.

    Returns
    -------
    Tensor
        Its result, in that type.
    """
    device = tensors[0].device.type
    dtype = torch.promote_types(tensors[0].dtype, torch.float32)
    # The meta device, on which costs are counted, knows no autocast.
    known = torch.amp.is_autocast_available(device)
    with torch.autocast(device, enabled=False) if known else nullcontext():
        return function(*(tensor.to(dtype) for tensor in tensors))
