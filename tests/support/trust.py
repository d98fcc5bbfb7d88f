"""Small scenes with known blur and noise, and networks whose result is known in advance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import nn

from dgno_core.inference.predictor import Predictor
from dgno_core.interpretation.trust.expected import load_recipe
from dgno_core.interpretation.view import View
from dgno_core.io.normalise import IntensityRange
from dgno_core.models import ModelCard, architecture
from dgno_core.optics.controlled import SceneRanges, controlled_scene

Floats = NDArray[np.float32]


def scene(side: int = 128, seed: int = 1) -> Floats:
    """Squares, boxes and lines with slightly soft edges, ``(1, Y, X)``."""
    ranges = SceneRanges(squares=(4, 6), boxes=(2, 4), side=(12, 40))
    drawn = controlled_scene(seed, (side, side), ranges)
    return gaussian_filter(drawn, 0.7)[None].astype(np.float32)


class Fake(nn.Module):
    """What `result` makes of an image, with a card."""

    def __init__(
        self, result: Callable[[torch.Tensor], torch.Tensor], channels: int = 1, **card: Any
    ) -> None:
        super().__init__()
        config = architecture("dgno-cell-small", channels)
        known: dict[str, Any] = {"name": "fake", "tile": 64, "halo": 16, "blur_px": (0.0, 8.0)}
        known["weights_sha256"] = load_recipe(channels).weights_sha256  # no doubt about that
        self.card = ModelCard(config=config, **(known | card))
        self.result = result
        self.calls = 0

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        self.calls += 1
        return [self.result(x)]


def network_of(
    result: Callable[[torch.Tensor], torch.Tensor], channels: int = 1, **card: Any
) -> Predictor:
    model = Fake(result, channels, **card)
    return Predictor(model, model.card, model.card.name)


def view_of(pixels: Floats, network: Predictor, origin: tuple[int, int] = (0, 0)) -> View:
    limits = IntensityRange(0.0, 1.0)
    return View(pixels, limits, origin, network, "image.tif", np.dtype(np.float32))
