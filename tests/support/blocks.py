"""Plain NumPy parts of the blocks' references, and weights that leave nothing switched off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def randomised(module: M, seed: int = 0) -> M:
    """Draw every parameter anew, so that none is zero or one; return the module."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            fan_in = max(1, parameter[0].numel()) if parameter.ndim > 1 else 4
            draw = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(draw / fan_in**0.5 + (0.5 if parameter.ndim < 4 else 0.0))
    return module


def layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Normalise every pixel of ``(C, Y, X)`` over its channels."""
    out = np.empty_like(x)
    for i in np.ndindex(x.shape[1:]):
        pixel = x[(slice(None), *i)]
        scaled = (pixel - pixel.mean()) / np.sqrt(pixel.var() + 1e-5)
        out[(slice(None), *i)] = scaled * weight + bias
    return out


def convolve(x: np.ndarray, parameters: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Convolve ``(C, Y, X)`` with a named layer: 1x1, or 3x3 depthwise with zeros around."""
    weight = parameters[f"{name}.weight"]
    out = np.zeros((len(weight), *x.shape[1:]))
    if weight.shape[-1] == 1:
        for o, i in np.ndindex(weight.shape[:2]):
            out[o] += weight[o, i, 0, 0] * x[i]
    else:
        assert weight.shape[1:] == (1, 3, 3)
        height, width = x.shape[1:]
        for c, dy, dx in np.ndindex(len(x), 3, 3):
            padded = np.pad(x[c], 1)
            out[c] += weight[c, 0, dy, dx] * padded[dy : dy + height, dx : dx + width]
    bias = parameters.get(f"{name}.bias")
    return out if bias is None else out + bias[:, None, None]
