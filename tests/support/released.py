"""Weights under released names, loaded into this project's modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def fit(values: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values in the shapes of `like`: the released files carry some axes of length 1."""
    wrong = like.keys() ^ values.keys()
    assert not wrong, f"keys differ: {sorted(wrong)}"
    return {key: value.reshape(like[key].shape) for key, value in values.items()}


def load_released(
    module: M, arrays: Mapping[str, np.ndarray], rename: Callable[[str], str | None]
) -> M:
    """Give a module the released weights, all of them and no others; return the module."""
    values = {name: torch.tensor(arrays[key]) for key in arrays if (name := rename(key))}
    module.load_state_dict(fit(values, module.state_dict()))
    return module


@contextmanager
def recorded_outputs(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Record what every module of a model gives while it runs.

    Yields
    ------
    dict
        Filled during the run: the output under the module's name.
    """
    recorded: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(
            lambda _module, _given, output, name=name: recorded.update({name: output})
        )
        for name, module in model.named_modules()
    ]
    try:
        yield recorded
    finally:
        for handle in handles:
            handle.remove()
