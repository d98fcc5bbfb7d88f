from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dgno_core.encoders.mpt_config import ABLATIONS, MPTBlocks
from dgno_core.models.config import MPTConfig
from dgno_core.models.mpt import MPT
from dgno_core.models.released_mpt import recognise, rename
from support.blocks import randomised
from support.ledger import Arrays, every_array_of
from support.nets import check_forward_and_backward, check_padding
from support.released import load_released, recorded_outputs
from support.shared import load_fixture, needs_fixtures

SMALL = MPTConfig(
    width=8,
    blocks=(2, 2, 1, 1),
    lifting=MPTBlocks(
        heads=(1, 2, 2, 2), window=4, reductions=((4, 2), (2, 1), (2,), (1,))
    ),
)  # fmt: skip
VARIANTS = {
    "paper": {},
    "official": {"alignment": "official", "shortcut": "x2"},
    "both-shortcuts": {"shortcut": "both"},
    **{name: changes for name, changes in ABLATIONS.items() if not name.startswith("scales")},
}


def small(channels: int = 1, **changes: object) -> MPTConfig:
    return SMALL.changed(channels=channels, lifting=SMALL.lifting.changed(**changes))


def on_paper(channels: int, **changes: object) -> MPT:
    with torch.device("meta"):
        return MPT(MPTConfig(channels=channels, lifting=MPTBlocks(**changes)))


@pytest.mark.parametrize(
    ("channels", "alignment", "parameters", "macs"),
    [
        (3, "spatial", 19_799_356, 88_028_151_808),
        (3, "official", 19_799_356, 88_028_151_808),
        (1, "spatial", 19_797_916, 87_933_779_968),
    ],
)
def test_size_and_cost_are_the_papers(
    channels: int, alignment: str, parameters: int, macs: int
) -> None:
    model = on_paper(channels, alignment=alignment)
    assert sum(p.numel() for p in model.parameters()) == parameters
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, channels, 256, 256, device="meta"))
    assert counter.get_total_flops() == 2 * macs


@pytest.mark.parametrize(("channels", "size"), [(1, (131, 97)), (3, (37, 50))])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_forward_and_backward(
    variant: str, channels: int, size: tuple[int, int]
) -> None:
    check_forward_and_backward(MPT(small(channels, **VARIANTS[variant])), *size)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scales", ["scales-v1", "scales-v2", "scales-v3"])
def test_every_scale_set_forward_and_backward(scales: str, channels: int) -> None:
    blocks = MPTBlocks(heads=(1, 1, 1, 1), window=2).changed(**ABLATIONS[scales])
    check_forward_and_backward(MPT(MPTConfig(channels=channels, width=4, lifting=blocks)), 67, 49)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "paper"])
def test_every_variant_computes_something_else(variant: str) -> None:
    image = torch.rand(1, 1, 32, 64, generator=torch.Generator().manual_seed(0))
    paper, other = (randomised(MPT(small(**VARIANTS[name]))) for name in ("paper", variant))
    common = {
        name: tensor
        for name, tensor in paper.state_dict().items()
        if name in other.state_dict() and tensor.shape == other.state_dict()[name].shape
    }
    other.load_state_dict(common, strict=False)
    with torch.inference_mode():
        assert (paper(image)[-1] - other(image)[-1]).abs().max() > 1e-4


def test_any_size_is_padded_by_reflection() -> None:
    check_padding(randomised(MPT(small(alignment="official"))), 37, 50)


def test_the_image_is_added_at_the_end() -> None:
    model = MPT(SMALL)
    torch.nn.init.zeros_(model.head.weight)
    image = torch.rand(1, 1, 32, 32)
    assert torch.equal(model(image)[-1], image)


WHOLE = ["mpt_small_gray64", "mpt_small_rgb128x64_b2", "mpt_small_gray128_s4half"]
FLAT = "mpt_small_nopyramid_rgb64"
OUR_NAMES = {
    "inproj": "stem",
    "encoder_level1.0": "encoder.0.0",
    "encoder_level1.1": "encoder.0.1",
    "down1_2": "downs.0",
    "encoder_level2": "encoder.1",
    "encoder_level3": "encoder.2",
    "latent": "encoder.3",
    "up4_3": "ups.0",
    "decoder_level3": "decoder.0",
    "decoder_level2": "decoder.1",
}


def released(arrays: Arrays) -> MPT:
    """The network of a fixture file, recognised from its keys and its scales."""
    weights = arrays.folder("param")
    facts = json.loads(arrays["config_json"].tobytes())
    reductions = tuple(tuple(round(1 / s) for s in level) for level in facts["scales"])
    config = recognise({key: weights[key].shape for key in weights}, reductions)
    assert config is not None
    model = load_released(MPT(config), weights, rename).eval()
    assert sum(p.numel() for p in model.parameters()) == facts["n_params"]
    return model


def check_all_maps(model: MPT, arrays: Arrays) -> None:
    """Outputs in both precisions, and every stored inner map (of the last sample)."""
    image = torch.tensor(arrays["input"])
    for dtype in (torch.float32, torch.float64):
        with torch.inference_mode(), recorded_outputs(model.to(dtype)) as inner:
            output = model(image.to(dtype))[-1]
        arrays.agree("output", output, atol=2e-4)
        arrays.agree("output_fp64", output, atol=1e-11 if dtype == torch.float64 else 2e-4)
        maps = arrays.folder("act")
        for theirs in maps:
            maps.agree(theirs, inner[OUR_NAMES[theirs]][-1:], atol=2e-4)


@needs_fixtures
@pytest.mark.parametrize("name", [*WHOLE, FLAT])
def test_the_whole_network_equals_the_released_one(name: str) -> None:
    with every_array_of(name) as arrays:
        check_all_maps(released(arrays), arrays)


@needs_fixtures
def test_without_a_pyramid_both_alignments_equal_the_released_network() -> None:
    with every_array_of(FLAT) as arrays:
        config = released(arrays).config
        spatial = config.lifting.changed(alignment="spatial")
        model = MPT(config.changed(lifting=spatial))
        check_all_maps(load_released(model, arrays.folder("param"), rename).eval(), arrays)


@needs_fixtures
@pytest.mark.parametrize("name", WHOLE)
def test_with_a_pyramid_the_papers_network_is_another(name: str) -> None:
    arrays = Arrays(load_fixture(name), set())
    model = released(arrays)
    spatial = model.config.lifting.changed(alignment="spatial")
    ours = MPT(model.config.changed(lifting=spatial)).eval()
    ours.load_state_dict(model.state_dict())
    with torch.inference_mode():
        output = ours(torch.tensor(arrays["input"]))[-1].numpy()
    assert np.abs(output - arrays["output"]).max() > 0.1
