"""What holds for every network: any size and channels, gradients, and an exact copy on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dgno_core.errors import DGNOError
from dgno_core.models import (
    DGNOConfig,
    ModelCard,
    architecture,
    build_model,
    load_model,
    model_names,
    save_model,
)
from support.blocks import randomised
from support.nets import check_forward_and_backward
from support.small_nets import SMALL


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
    check_forward_and_backward(build_model(SMALL[name].changed(channels=channels)), 131, 97)


@pytest.mark.parametrize("name", SMALL)
def test_a_saved_network_is_the_same_network(name: str, tmp_path: Path) -> None:
    config = SMALL[name]
    model = randomised(build_model(config)).eval()
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
    save_model(randomised(build_model(config)), ModelCard(name="mine", config=config), path)
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
