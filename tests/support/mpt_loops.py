"""MPT's cross-scale window attention pixel by pixel, from the geometry and without any roll."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

import numpy as np
from torch import nn

from support.blocks import convolve


def cross_scale_loops(
    x: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    *,
    heads: int,
    window: int,
    reduction: int,
    shift: bool,
    rows: Iterable[int] | None = None,
) -> np.ndarray:
    """The paper's CSWA of one image ``(C, Y, X)``, every query for itself.

    A grid of windows of cells (``reduction`` pixels wide) lies on the image, its origin at half a
    window if shifted; what is left at the far sides belongs to a window with what is left at the
    near ones, but sees only its own side. With `rows`, only these of the image are computed, and
    the rest is zero.
    """
    m, r = window, reduction
    origin = m // 2 if shift else 0
    c, height, width = x.shape
    down, across = height // r, width // r
    reduced = x if r == 1 else _reduce(x, parameters, r)
    q = convolve(convolve(x, parameters, "query"), parameters, "query_mix")
    kv = convolve(convolve(reduced, parameters, "key_value"), parameters, "key_value_mix")
    k, v = kv[:c], kv[c:]
    d = c // heads
    attended = np.zeros_like(x)
    for y, x_ in itertools.product(range(height) if rows is None else rows, range(width)):
        keys = [
            (i, j)
            for i, j in np.ndindex(down, across)
            if _meet(y // r, i, down, m, origin) and _meet(x_ // r, j, across, m, origin)
        ]
        # Position in the window of queries, which is m pixels wide.
        at = ((y - origin * r) % height % m, (x_ - origin * r) % width % m)
        for head in range(heads):
            part = slice(head * d, head * d + d)
            unit_q = q[part, y, x_] / np.linalg.norm(q[part, y, x_])
            logits = []
            for i, j in keys:
                unit_k = k[part, i, j] / np.linalg.norm(k[part, i, j])
                dy = at[0] - (i - origin) % down % m + m - 1
                dx = at[1] - (j - origin) % across % m + m - 1
                bias = parameters["bias.table"][dy * (2 * m - 1) + dx, head]
                logits.append(unit_q @ unit_k * parameters["temperature"][head, 0, 0] + bias)
            weights = np.exp(logits) / np.exp(logits).sum()
            attended[part, y, x_] = sum(
                w * v[part, i, j] for w, (i, j) in zip(weights, keys, strict=True)
            )
    return convolve(attended, parameters, "project")


def numbers(module: nn.Module) -> dict[str, np.ndarray]:
    """Parameters of a module in float64."""
    return {name: tensor.double().numpy() for name, tensor in module.state_dict().items()}


def _reduce(x: np.ndarray, parameters: Mapping[str, np.ndarray], r: int) -> np.ndarray:
    """Block means, and a linear map of them on top."""
    c, height, width = x.shape
    means = np.zeros((c, height // r, width // r))
    for i, j in np.ndindex(means.shape[1:]):
        means[:, i, j] = x[:, i * r : i * r + r, j * r : j * r + r].mean((1, 2))
    return means + convolve(means, parameters, "reduce.project")


def _meet(one: int, other: int, count: int, window: int, origin: int) -> bool:
    """Whether two cells of a line lie in one window and on the same side of the image."""
    same_window = (one - origin) % count // window == (other - origin) % count // window
    return same_window and (one >= origin) == (other >= origin)
