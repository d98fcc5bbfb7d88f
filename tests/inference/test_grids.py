"""Networks whose grid is coarser than 32 pixels."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dgno_core.encoders.mpt_config import MPTBlocks
from dgno_core.errors import DGNOError
from dgno_core.inference import (
    Restorer,
    RestoreStarted,
    RestoreWarned,
    fallback,
    restore,
    restore_events,
)
from dgno_core.models import ModelCard, build_model
from dgno_core.models.config import DGNOConfig, MPTConfig, NAFNetConfig

REDUCTIONS = {128: ((8,), (4,), (2,), (2,)), 256: ((16,), (8,), (4,), (4,))}


def mpt_config(grid: int) -> MPTConfig:
    """Return the smallest MPT with a grid of that many pixels."""
    lifting = MPTBlocks(reductions=REDUCTIONS[grid])
    config = MPTConfig(width=8, blocks=(1, 1, 1, 1), lifting=lifting)
    assert config.multiple == grid
    return config


def small_mpt(grid: int, **card: Any) -> nn.Module:
    """Return an MPT of random weights with a card."""
    torch.manual_seed(0)
    model = build_model(mpt_config(grid)).eval()
    model.card = ModelCard(name="MPT", config=model.config, **card)
    return model


@pytest.fixture
def image() -> np.ndarray:
    """Return a smooth plane of which a tile of 256 pixels covers one side only."""
    y, x = np.mgrid[:150, :300]
    return (2000 * (2 + np.sin(y / 11) * np.cos(x / 7))).astype(np.uint16)


@pytest.mark.parametrize("grid", [128, 256])
def test_tiles_of_two_grid_steps_restore_as_one_piece_does(grid: int) -> None:
    y, x = np.mgrid[:20, : 5 * grid // 2]
    image = (2000 * (2 + np.sin(y / 11) * np.cos(x / 7))).astype(np.uint16)
    model = small_mpt(grid)
    tiled, whole = restore(image, model, tile=2 * grid), restore(image, model, tile=4 * grid)
    assert tiled.shape == image.shape
    assert not np.array_equal(tiled, image)
    # The first grid step is the first window's alone, on the same grid of attention windows; only
    # channel attention over the whole window is not the same.
    changed = np.abs(whole.astype(float) - image).max()
    assert np.abs(tiled.astype(float) - whole)[:, :grid].max() < changed


@pytest.mark.parametrize("grid", [128, 256])
@pytest.mark.parametrize("tile", [64, 128, 160])
def test_a_tile_below_two_grid_steps_is_refused(image: np.ndarray, grid: int, tile: int) -> None:
    model = small_mpt(grid)
    words = f"multiple of {grid} and at least {2 * grid} pixels for the model MPT, not {tile}"
    with pytest.raises(DGNOError, match=words):
        restore(image, model, tile=tile)
    with pytest.raises(DGNOError, match=words):
        Restorer(model, tile=tile).region(image)


def test_too_little_memory_stops_at_two_grid_steps(
    stack: np.ndarray, fake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "available_bytes", lambda device: 1)
    model = fake(multiple=128, tile=512)
    events = list(restore_events(np.tile(stack[0], (3, 3)), model=model))
    assert [event.tile for event in events if isinstance(event, RestoreStarted)] == [256]
    assert "256 pixels instead of 512" in next(
        event.message for event in events if isinstance(event, RestoreWarned)
    )
    assert set(model.shapes) == {(256, 256)}


@pytest.mark.parametrize(
    ("config", "multiple", "tile"),
    [
        (NAFNetConfig(), 32, 512),
        (DGNOConfig(), 32, 512),
        (DGNOConfig(element=24), 96, 480),
        (DGNOConfig(element=128), 512, 1024),
        (MPTConfig(), 128, 512),
        (mpt_config(256), 256, 512),
    ],
)
def test_a_card_takes_grid_and_tile_from_the_network(config: Any, multiple: int, tile: int) -> None:
    card = ModelCard(name="m", config=config)
    assert (card.multiple, card.tile) == (multiple, tile)
    stored = json.loads(card.model_dump_json())
    assert (stored["multiple"], stored["tile"]) == (multiple, tile)
    assert ModelCard.model_validate(stored) == card


def test_a_card_keeps_what_it_is_given() -> None:
    card = ModelCard(name="m", config=NAFNetConfig(), multiple=16, tile=48)
    assert (card.multiple, card.tile) == (16, 48)
    assert ModelCard(name="m", config=MPTConfig(), multiple=384).tile == 768


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tile": 128}, "tile of the model m must be a multiple of 128 and at least 256.*not 128"),
        ({"tile": 500}, "tile of the model m must be a multiple of 128 and at least 256.*not 500"),
        ({"multiple": 32}, "grid of the model m must be a multiple of 128 pixels.*not 32"),
    ],
)
def test_a_card_that_does_not_fit_its_network_is_refused(given: dict[str, int], words: str) -> None:
    with pytest.raises(DGNOError, match=words):
        ModelCard(name="m", config=MPTConfig(), **given)
