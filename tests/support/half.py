"""Half precision against float64: the two ways in which a module can meet it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

HALVES = (torch.float16, torch.bfloat16)
in_half = pytest.mark.parametrize("half", HALVES, ids=str)
in_both_ways = pytest.mark.parametrize("autocast", [True, False], ids=["autocast", "converted"])


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def half_and_exact(
    module: nn.Module, x: Tensor, half: torch.dtype, autocast: bool
) -> tuple[Tensor, Tensor]:
    """What a float64 module gives in half precision, and what it gives for the same numbers."""
    module = module.requires_grad_(False)
    low = copy.deepcopy(module)
    low = low.float() if autocast else low.to(half)
    if not autocast:  # the exact one has the same rounded parameters
        module = copy.deepcopy(low).double()
    with torch.no_grad(), torch.autocast("cpu", half, enabled=autocast):
        found = low(x.to(half))
    with torch.no_grad():
        return found.double(), module(x.to(half).double())
