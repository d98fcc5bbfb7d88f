"""What holds for every network: any size and channels, gradients, and an exact copy on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from dgno_core.encoders.config import MambaBlocks, NAFBlocks, RestormerBlocks
from dgno_core.encoders.mpt_config import MPTBlocks
from dgno_core.errors import DGNOError
from dgno_core.models import (
    DGNOConfig,
    ModelCard,
    MPTConfig,
    NAFNetConfig,
    NetworkConfig,
    RestormerConfig,
    architecture,
    build_model,
    load_model,
    model_names,
    save_model,
)

ONE = (1, 1, 1, 1)
PYRAMID = ((8,), (4,), (2,), (2,))
OPERATORS: dict[str, Any] = {"width": 8, "heads": 2, "blocks": ONE, "iterations": 1}
SMALL: dict[str, NetworkConfig] = {
    "dgno-cell": DGNOConfig(**OPERATORS, lifting=MambaBlocks(tokens=8, rank=4, state=2)),
    "dgno-face": DGNOConfig(**OPERATORS, formulation="face", flux="average_jump"),
    "galerkin-global": DGNOConfig(**OPERATORS, formulation="global"),
    "galerkin-window": DGNOConfig(**OPERATORS, formulation="window"),
    "nafnet-dgno": DGNOConfig(**OPERATORS, lifting=NAFBlocks()),
    "restormer-dgno": DGNOConfig(**OPERATORS, lifting=RestormerBlocks()),
    "mpt-dgno": DGNOConfig(**OPERATORS, lifting=MPTBlocks(reductions=PYRAMID)),
    "nafnet": NAFNetConfig(width=8, encoder=ONE, decoder=ONE),
    "restormer": RestormerConfig(width=8, blocks=ONE, refinement=1),
    "mpt": MPTConfig(width=8, blocks=ONE, lifting=MPTBlocks(reductions=PYRAMID)),
}


def randomised(config: NetworkConfig) -> torch.nn.Module:
    """A network in which no parameter is zero: some start as the identity."""
    torch.manual_seed(0)
    model = build_model(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def test_every_name_is_tested_here_or_is_one_of_these_made_small() -> None:
    kinds = {name.removesuffix("-small") for name in model_names()}
    assert kinds == SMALL.keys()
    for name, config in SMALL.items():
        full = architecture(name)
        assert full.kind == config.kind
        if isinstance(full, DGNOConfig) and isinstance(config, DGNOConfig):
            assert (full.formulation if "dgno-" in name or "galerkin" in name else "cell") == (
                config.formulation
            )
            assert full.lifting.kind == config.lifting.kind


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", SMALL)
def test_odd_sizes_forward_and_backward(name: str, channels: int) -> None:
    model = randomised(SMALL[name].changed(channels=channels))
    outputs = model(torch.rand(1, channels, 131, 97))
    assert outputs[-1].shape == (1, channels, 131, 97)
    assert len(outputs) == type(model).scales
    sum(output.square().mean() for output in outputs).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().max() > 0, key


@pytest.mark.parametrize("name", SMALL)
def test_a_saved_network_is_the_same_network(name: str, tmp_path: Path) -> None:
    config = SMALL[name]
    model = randomised(config).eval()
    path = tmp_path / "mine.safetensors"
    save_model(model, ModelCard(name="mine", config=config, multiple=config.multiple), path)
    again = load_model(path, "cpu")
    assert again.config == config
    image = torch.rand(1, 1, 70, 90)
    with torch.inference_mode():
        for one, other in zip(model(image), again(image), strict=True):
            assert torch.equal(one, other)


def test_tampered_files_are_refused(tmp_path: Path) -> None:
    config = SMALL["nafnet"]
    path = tmp_path / "mine.safetensors"
    save_model(randomised(config), ModelCard(name="mine", config=config), path)
    whole = path.read_bytes()
    for name, content in {
        "short": whole[: len(whole) // 2],
        "headless": whole[:5],
        "header cut": whole[:200],
        "empty": b"",
        "longer": whole + b"more",
        "another network": whole.replace(b'\\"width\\":8', b'\\"width\\":4'),
        "another kind": whole.replace(b'\\"kind\\":\\"nafnet\\"', b'\\"kind\\":\\"nofnet\\"'),
        "another tensor": whole.replace(b"stem.weight", b"stam.weight"),
        "huge header": b"\xff" * 8 + whole[8:],
    }.items():
        assert content != whole, name
        path.write_bytes(content)
        with pytest.raises(DGNOError, match=r"mine\.safetensors"):
            load_model(path, "cpu")
