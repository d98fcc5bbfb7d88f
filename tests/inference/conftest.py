"""Small models with a card, whose result is known in advance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from dgno_core.models import ModelCard, architecture
from support.tiny_weights import write_tiny_models


class Sharpener(nn.Module):
    """x plus its difference from a 5 x 5 mean: local, so tiles change nothing but rounding.

    Parameters
    ----------
    channels
        1 or 3. In colour the channels are also turned round, which shows in the result.
    limit
        Pixels beyond which it runs out of memory.
    error
        What it raises then.
    """

    def __init__(
        self, channels: int = 1, *, tile: int = 64, halo: int = 16, limit: float = np.inf,
        error: BaseException | None = None, **card: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        config = architecture("dgno-cell-small", channels)
        self.card = ModelCard(
            name="fake", config=config, tile=tile, halo=halo, weights_sha256="abc", **card
        )
        self.strength = nn.Parameter(torch.ones(()))
        self.limit, self.error = limit, error or torch.OutOfMemoryError("CUDA out of memory")
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        assert x.dtype == torch.float32
        assert x.shape[:2] == (1, self.card.channels)
        self.shapes.append(tuple(x.shape[2:]))
        if x.shape[2] * x.shape[3] > self.limit:
            raise self.error
        mean = functional.avg_pool2d(functional.pad(x, (2, 2, 2, 2), "reflect"), 5, 1)
        full = (x + self.strength * (x - mean)).flip(1)
        return [full[..., ::4, ::4], full[..., ::2, ::2], full]


@pytest.fixture
def fake() -> Callable[..., Sharpener]:
    """Return the class of the fake model."""
    return Sharpener


@pytest.fixture
def stack() -> np.ndarray:
    """Return a ZYX stack, uint16, of a size that no tile divides."""
    rng = np.random.default_rng(5)
    smooth = np.cumsum(np.cumsum(rng.normal(size=(3, 150, 109)), 1), 2)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return (smooth * 9000 + rng.random(smooth.shape) * 500 + 200).astype(np.uint16)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `tiny-grey` and `tiny-colour`, models as they lie on disk."""
    return write_tiny_models(tmp_path_factory.mktemp("models"))
