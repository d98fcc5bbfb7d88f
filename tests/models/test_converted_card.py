"""What a converted model says about itself, and in which dictionaries its tensors may lie."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch

from dgno_core.encoders.mpt_config import SCALE_SETS, Reductions
from dgno_core.models import (
    DGNOConfig,
    ModelCard,
    MPTConfig,
    build_model,
    convert_checkpoint,
    read_card,
)
from dgno_core.models.released_file import CONTAINERS, read_state_dict
from support.released_mpt import released_state
from support.shared import load_fixture, needs_fixtures

# Windows of 24 pixels in the first two blocks.
THIRDS = ((3, 3, 2, 2, 1, 1), *SCALE_SETS["paper"][1:])
STATE = {"inproj.weight": torch.arange(12.0).view(3, 4), "output.weight": torch.ones(2)}


def mpt(channels: int = 1, reductions: Reductions = SCALE_SETS["paper"]) -> dict[str, torch.Tensor]:
    """State dict of a narrow MPT under the released names."""
    config = MPTConfig(channels=channels, width=8)
    config = config.changed(lifting=config.lifting.changed(reductions=reductions))
    torch.manual_seed(0)
    return released_state(build_model(config))


def converted(content: Any, folder: Path, **settings: Any) -> ModelCard:
    """Save a checkpoint, convert it, and read the card in the new file."""
    torch.save(content, folder / "released.pth")
    done = convert_checkpoint(folder / "released.pth", folder / "own.safetensors", **settings)
    card = read_card(folder / "own.safetensors")
    assert card == done.card.changed(weights_sha256=card.weights_sha256)
    return card


def check_scaling(card: ModelCard, channels: int) -> None:
    """Grey images were scaled by their extremes, colour images by the range of their type."""
    assert card.channels == channels
    assert card.percentiles == (0, 100)
    assert card.scaling == {1: "percentiles", 3: "type"}[channels]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_card_of_an_mpt(channels: int, tmp_path: Path) -> None:
    card = converted(mpt(channels), tmp_path)
    check_scaling(card, channels)
    assert (card.multiple, card.tile) == (128, 512)
    assert card.name == "own"
    assert card.title.startswith("MPT,")
    digest = hashlib.sha256((tmp_path / "released.pth").read_bytes()).hexdigest()
    assert card.recipe == f"converted from released.pth, SHA-256 {digest}"
    assert "depends on the tile size" in card.summary
    assert "diagnosis" in card.not_for


@needs_fixtures
@pytest.mark.parametrize(("name", "channels"), [("dgno_small_cell", 1), ("dgno_small_cell_rgb", 3)])
def test_the_card_of_a_dgno(name: str, channels: int, tmp_path: Path) -> None:
    arrays = load_fixture(name)
    state = {key.removeprefix("param/"): torch.tensor(value) for key, value in arrays.items()
             if key.startswith("param/")}  # fmt: skip
    card = converted(state, tmp_path)
    assert isinstance(card.config, DGNOConfig)
    check_scaling(card, channels)
    assert (card.multiple, card.tile) == (32, 512)
    assert card.title.startswith("DGNO-cell,")


@pytest.mark.parametrize(
    ("reductions", "multiple", "tile"),
    [(SCALE_SETS["flat"], 64, 512), (SCALE_SETS["smaller"], 256, 512), (THIRDS, 384, 768)],
)
def test_tiles_fit_the_windows(
    reductions: Reductions, multiple: int, tile: int, tmp_path: Path
) -> None:
    card = converted(mpt(reductions=reductions), tmp_path, reductions=reductions)
    assert (card.multiple, card.tile) == (multiple, tile)


@pytest.mark.parametrize("container", ["params", "params_ema", "state_dict", "model", None])
def test_tensors_are_found_in_every_container(container: str | None, tmp_path: Path) -> None:
    content: dict[str, Any] = STATE
    if container is not None:
        content = {"epoch": 3, "optimizer": {"lr": 1e-4}, container: STATE}
    torch.save(content, tmp_path / "released.pth")
    found = read_state_dict(tmp_path / "released.pth")
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[key], STATE[key]) for key in STATE)


def test_those_are_all_containers() -> None:
    assert set(CONTAINERS) == {"params", "params_ema", "state_dict", "model"}


def test_averaged_weights_come_before_the_last_ones(tmp_path: Path) -> None:
    averaged = {key: tensor / 2 for key, tensor in STATE.items()}
    torch.save({"params": STATE, "params_ema": averaged}, tmp_path / "released.pth")
    found = read_state_dict(tmp_path / "released.pth")
    assert all(torch.equal(found[key], averaged[key]) for key in STATE)
