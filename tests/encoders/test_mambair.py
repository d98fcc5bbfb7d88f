"""The Mamba encoder's pieces, from a norm to a whole block, against the released ones' numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from dgno_core.encoders.attentive_scan import AttentiveScan
from dgno_core.encoders.lifting import Merge, ShallowFeatures
from dgno_core.encoders.mambair import MambaBlock
from dgno_core.layers.gdfn import GatedFeedForward
from dgno_core.layers.norms import ChannelNorm
from dgno_core.layers.resampling import Downsample, Upsample, input_pyramid
from dgno_core.models.released_dgno import rename
from support.ledger import every_array_of, folders_of
from support.released import load_released, recorded_outputs
from support.shared import needs_fixtures

pytestmark = needs_fixtures

BLOCK, OUR_BLOCK = "latent.0.", "lifting.stages.3.0."
# Case; our module; where it sits in the released network and in ours.
CASES: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "layernorm_c12": (lambda: ChannelNorm(12), f"{BLOCK}norm1.", f"{OUR_BLOCK}scan_norm."),
    "gdfn_c12": (lambda: GatedFeedForward(12), f"{BLOCK}ffn.", f"{OUR_BLOCK}feed."),
    "gdfn_c16": (lambda: GatedFeedForward(16), f"{BLOCK}ffn.", f"{OUR_BLOCK}feed."),
    "assm_a_c12": (lambda: AttentiveScan(12), f"{BLOCK}attn.", f"{OUR_BLOCK}scan."),
    "assm_b_c16": (lambda: AttentiveScan(16), f"{BLOCK}attn.", f"{OUR_BLOCK}scan."),
    "encoder_block_a_c12": (lambda: MambaBlock(12), BLOCK, OUR_BLOCK),
    "encoder_block_b_c16": (lambda: MambaBlock(16), BLOCK, OUR_BLOCK),
    "scm_relu_in1_c16": (lambda: ShallowFeatures(1, 16, "relu"), "SCM1.", "lifting.shallow.1."),
    "scm_relu_in3_c24": (lambda: ShallowFeatures(3, 24, "relu"), "SCM1.", "lifting.shallow.1."),
    "scm_gelu_in1_c16": (lambda: ShallowFeatures(1, 16, "gelu"), "SCM1.", "lifting.shallow.1."),
    "scm_gelu_in3_c24": (lambda: ShallowFeatures(3, 24, "gelu"), "SCM1.", "lifting.shallow.1."),
    "fam_c12": (lambda: Merge(12), "FAM1.", "lifting.merges.1."),
    "downsample_c12": (lambda: Downsample(12), "down1_2.", "lifting.downs.0."),
    "upsample_c12": (lambda: Upsample(12), "up4_3.", "ups.0."),
}


@pytest.mark.parametrize("case", CASES)
def test_the_piece_equals_the_released_one(case: str) -> None:
    build, theirs, ours = CASES[case]
    with every_array_of("dgno_blocks", case) as arrays:
        module = load_released(
            build(), arrays.folder("param"), lambda key: rename(theirs + key).removeprefix(ours)
        )
        names = ("input", "input2", "embeddingA.weight")
        given = [torch.tensor(arrays[name]) for name in names if name in arrays]
        for dtype in (torch.float32, torch.float64):
            module = module.to(dtype)
            with torch.inference_mode(), recorded_outputs(module) as inner:
                output = module(*(tensor.to(dtype) for tensor in given))
            for key in ("output", "output_fp64"):
                exact = dtype == torch.float64 and key.endswith("_fp64")
                # For float64 nothing is stated: the operators' bound is kept.
                arrays.agree(key, output, atol=1e-11 if exact else 5e-5)
            for route in (name for name in inner if name.endswith("route")):
                arrays.agree("category", inner[route].argmax(-1))


def test_the_pyramid_equals_the_released_one() -> None:
    with every_array_of("dgno_blocks", "pyramid") as arrays:
        full, half, quarter = input_pyramid(torch.tensor(arrays["input"]))
        assert torch.equal(full, torch.tensor(arrays["input"]))
        arrays.agree("half", half)
        arrays.agree("quarter", quarter)


def test_every_stored_piece_is_among_the_cases() -> None:
    assert folders_of("dgno_blocks") == {*CASES, "pyramid"}
