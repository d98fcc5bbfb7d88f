"""NAFNet and Restormer as functions of their parameters, written down from the papers' figures.

Nothing of the package is used but the names in the state dict; the number of blocks, of heads and
of groups is read from what is there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

Parameters = Mapping[str, Tensor]
Block = Callable[[Parameters, str, Tensor], Tensor]


def nafnet(p: Parameters, image: Tensor) -> Tensor:
    """Restore ``(B, C, Y, X)``: arXiv 2204.04676, the U-Net of Fig. 2c with added skips."""
    x = _convolve(p, "stem", image)
    skips = []
    for level in range(4):
        x = _stage(p, f"encoder.{level}", x, _naf_block)
        skips.append(x)
        x = _convolve(p, f"downs.{level}", x, stride=2)
    x = _stage(p, "middle", x, _naf_block)
    for turn in range(4):
        x = _shuffle(_convolve(p, f"ups.{turn}.0", x)) + skips[3 - turn]
        x = _stage(p, f"decoder.{turn}", x, _naf_block)
    return image + _convolve(p, "head", x)


def restormer(p: Parameters, image: Tensor) -> Tensor:
    """Restore ``(B, C, Y, X)``: arXiv 2111.09881, Fig. 2.

    The figure does not say which half of a concatenation comes first; in the released code it is
    the features from below.
    """
    x = _convolve(p, "stem", image)
    skips = []
    for level in range(3):
        x = _stage(p, f"encoder.{level}", x, _restormer_block)
        skips.append(x)
        x = _unshuffle(_convolve(p, f"downs.{level}.conv", x))
    x = _stage(p, "encoder.3", x, _restormer_block)
    for turn, skip in enumerate(reversed(skips)):
        x = torch.cat([_shuffle(_convolve(p, f"ups.{turn}.conv", x)), skip], dim=1)
        if turn < 2:
            x = _convolve(p, f"fusions.{turn}", x)
        x = _stage(p, f"decoder.{turn}", x, _restormer_block)
    return image + _convolve(p, "head", _stage(p, "refinement", x, _restormer_block))


def _naf_block(p: Parameters, name: str, x: Tensor) -> Tensor:
    """Fig. 3c: a gate, the channels' scales and a sum, then a gate and a sum."""
    u = _convolve(p, f"{name}.attend.0", _normalise(p, f"{name}.norm", x))
    u = _product_of_halves(_convolve(p, f"{name}.attend.1", u))
    u = u * _convolve(p, f"{name}.attend.3.mix", u.mean((2, 3), keepdim=True))
    x = x + p[f"{name}.beta"] * _convolve(p, f"{name}.attend.4", u)
    u = _convolve(p, f"{name}.feed.0", _normalise(p, f"{name}.feed_norm", x))
    u = _convolve(p, f"{name}.feed.2", _product_of_halves(u))
    return x + p[f"{name}.gamma"] * u


def _restormer_block(p: Parameters, name: str, x: Tensor) -> Tensor:
    """Fig. 2a and b: attention between channels, then a gated feed-forward network."""
    u = _convolve(p, f"{name}.attention.qkv", _normalise(p, f"{name}.attention_norm", x))
    q, k, v = _convolve(p, f"{name}.attention.mix", u).flatten(2).chunk(3, dim=1)
    temperatures = p[f"{name}.attention.temperature"].flatten()
    c = x.shape[1] // len(temperatures)
    heads = []
    for head, temperature in enumerate(temperatures):
        own = slice(head * c, head * c + c)
        q1, k1 = (t[:, own] / t[:, own].norm(dim=2, keepdim=True) for t in (q, k))
        cosines = torch.einsum("bil,bjl->bij", q1, k1)
        heads.append(torch.softmax(temperature * cosines, dim=2) @ v[:, own])
    x = x + _convolve(p, f"{name}.attention.project", torch.cat(heads, dim=1).view_as(x))
    u = _convolve(p, f"{name}.feed.expand", _normalise(p, f"{name}.feed_norm", x))
    gate, value = _convolve(p, f"{name}.feed.mix", u).chunk(2, dim=1)
    gelu = gate * (1 + torch.erf(gate / math.sqrt(2))) / 2
    return x + _convolve(p, f"{name}.feed.project", gelu * value)


def _stage(p: Parameters, name: str, x: Tensor, block: Block) -> Tensor:
    """All blocks of a stage, one behind the other."""
    indices = {int(key[len(name) + 1 :].split(".")[0]) for key in p if key.startswith(f"{name}.")}
    for index in sorted(indices):
        x = block(p, f"{name}.{index}", x)
    return x


def _convolve(p: Parameters, name: str, x: Tensor, stride: int = 1) -> Tensor:
    """Convolve with zeros around, so that the size stays, or without overlap if strided."""
    weight = p[f"{name}.weight"]
    groups = x.shape[1] // weight.shape[1]
    padding = weight.shape[-1] // 2 if stride == 1 else 0
    return F.conv2d(x, weight, p.get(f"{name}.bias"), stride, padding, groups=groups)


def _normalise(p: Parameters, name: str, x: Tensor) -> Tensor:
    """Layer norm of every pixel over its channels."""
    centred = x - x.mean(1, keepdim=True)
    scaled = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
    return scaled * p[f"{name}.weight"][:, None, None] + p[f"{name}.bias"][:, None, None]


def _product_of_halves(x: Tensor) -> Tensor:
    half = x.shape[1] // 2
    return x[:, :half] * x[:, half:]


def _unshuffle(x: Tensor) -> Tensor:
    """Each channel becomes four: top left, top right, bottom left, bottom right pixels."""
    return torch.stack([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], dim=2).flatten(1, 2)


def _shuffle(x: Tensor) -> Tensor:
    """Four channels become one of twice the size, in the same order."""
    b, c, height, width = x.shape
    out = x.new_empty(b, c // 4, 2 * height, 2 * width)
    for part in range(4):
        out[..., part // 2 :: 2, part % 2 :: 2] = x[:, part::4]
    return out
