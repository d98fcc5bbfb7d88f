"""A small network for attribution maps, and attribution in plain float64 loops."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dgno_core.inference.predictor import Predictor
from dgno_core.interpretation.view import View
from dgno_core.io.normalise import IntensityRange
from dgno_core.models import ModelCard, architecture

Floats = NDArray[np.float64]
REACH = 4  # px: so far does an output pixel of the network see


class LamNet(nn.Module):
    """x + c(relu(b(relu(a(x))))) with 3, 5 and 3 pixel kernels, as a model with a card."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.a = nn.Conv2d(channels, 8, 3, padding=1)
        self.b = nn.Conv2d(8, 8, 5, padding=2)
        self.c = nn.Conv2d(8, channels, 3, padding=1)
        config = architecture("dgno-cell-small", channels)
        self.card = ModelCard(name="lam net", config=config, weights_sha256="abc")
        self.calls = 0

    def forward(self, x: Tensor) -> list[Tensor]:
        self.calls += 1
        full = x + self.c(torch.relu(self.b(torch.relu(self.a(x)))))
        return [full[..., ::2, ::2], full]


def random_net(channels: int = 1, seed: int = 0) -> LamNet:
    """A network with weights of a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LamNet(channels)


def net_of(arrays: Mapping[str, np.ndarray], prefix: str) -> LamNet:
    """The network of the fixture."""
    names = [f"{layer}.{part}" for layer in "abc" for part in ("weight", "bias")]
    weights = {name: torch.from_numpy(arrays[f"{prefix}_w_{name}"]) for name in names}
    net = LamNet(weights["c.bias"].numel())
    net.load_state_dict(weights)
    return net


def view_of(
    image: np.ndarray, model: nn.Module, origin: tuple[int, int] = (0, 0), name: str = "cells.tif"
) -> View:
    """A view of an image ``(C, Y, X)`` that is scaled already."""
    network = Predictor(model, model.card, model.card.name)  # type: ignore[arg-type]
    pixels = np.asarray(image, np.float32)
    return View(pixels, IntensityRange(0, 1), origin, network, name, pixels.dtype)


def loop_blur(image: Floats, width: float, size: int) -> Floats:
    """Blur ``(C, Y, X)`` pixel by pixel; beyond the border the image is mirrored about it."""
    reach = size // 2
    kernel = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            square = (i - reach) ** 2 + (j - reach) ** 2
            kernel[i, j] = np.exp(-square / (2 * (width + 1e-5) ** 2))
    kernel /= kernel.sum()
    blurred = np.zeros_like(image)
    channels, height, width_px = image.shape
    for c in range(channels):
        for y in range(height):
            for x in range(width_px):
                for i in range(size):
                    for j in range(size):
                        row, column = (
                            mirrored(y + i - reach, height),
                            mirrored(x + j - reach, width_px),
                        )
                        blurred[c, y, x] += kernel[i, j] * image[c, row, column]
    return blurred


def mirrored(place: int, length: int) -> int:
    """Where a place beyond the border lies inside."""
    place = abs(place)
    return 2 * (length - 1) - place if place >= length else place


def loop_edges(output: Tensor, box: tuple[int, int, int, int], eps: float) -> Tensor:
    """Sum of the gradient magnitude in a box (top, left, height, width), one pixel at a time."""
    top, left, height, width = box
    total = torch.zeros((), dtype=output.dtype)
    for channel in output:
        for y in range(top, min(top + height, output.shape[1] - 1)):
            for x in range(left, min(left + width, output.shape[2] - 1)):
                down, right = channel[y, x] - channel[y + 1, x], channel[y, x] - channel[y, x + 1]
                total = total + (down * down + right * right + eps).sqrt()
    return total


def loop_attribution(
    net: nn.Module,
    image: np.ndarray,
    box: tuple[int, int, int, int],
    *,
    sigma: float,
    steps: int,
    size: int,
    eps: float,
) -> Floats:
    """Attributions of a network in float64 to ``(C, Y, X)``, step by step."""
    exact = image.astype(np.float64)
    total = np.zeros_like(exact)
    before = loop_blur(exact, sigma, size)
    for k in range(1, steps + 1):
        here = loop_blur(exact, sigma * (steps - k) / steps, size)
        point = torch.from_numpy(here)[None].requires_grad_()
        loop_edges(net(point)[-1][0], box, eps).backward()
        assert point.grad is not None
        total += np.nan_to_num(point.grad[0].numpy(), nan=0.0) * (here - before)
        before = here
    return total
