"""The pieces of MPT's block, from a norm to a whole block, against the released ones' numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dgno_core.encoders.mpt import MPTBlock
from dgno_core.encoders.mpt.block import FeatureEnhancing, IntraScaleAttention
from dgno_core.encoders.mpt.cross_scale import CrossScaleAttention, Reduction
from dgno_core.encoders.mpt.released import ReleasedCrossScaleAttention
from dgno_core.encoders.mpt_config import MPTBlocks
from dgno_core.layers.norms import ChannelNorm
from dgno_core.layers.resampling import Downsample, Upsample
from dgno_core.layers.windows import relative_index
from dgno_core.models.released_mpt import rename
from support.ledger import Arrays, every_array_of, folders_of
from support.mpt_loops import cross_scale_loops, numbers
from support.released import load_released
from support.shared import load_fixture, needs_fixtures

pytestmark = needs_fixtures

BLOCK, OUR_BLOCK = "latent.0.", "encoder.3.0."
SCALES = {"s1": 1, "s0.5": 2, "s0.25": 4, "s0.125": 8}
CASES = [(scale, shift) for scale in SCALES for shift in (0, 1)]


def inside(theirs: str, ours: str) -> Callable[[str], str | None]:
    """Names below a released and one of our modules; None for what lies elsewhere."""

    def shortened(key: str) -> str | None:
        name = rename(theirs + key)
        return name.removeprefix(ours) if name is not None and name.startswith(ours) else None

    return shortened


def given(arrays: Arrays, key: str) -> Tensor:
    """An input in float64 under a name that only this file has."""
    arrays.agree(key, arrays[key])
    return torch.tensor(arrays[key]).double()


def output(module: nn.Module, *inputs: Tensor) -> Tensor:
    with torch.inference_mode():
        result: Tensor = module.double().eval()(*inputs)
    return result


def window_attention(
    kind: type[CrossScaleAttention], arrays: Arrays, scale: str, shift: int
) -> CrossScaleAttention:
    module = kind(4, 2, reduction=SCALES[scale], shift=bool(shift))
    return load_released(module, arrays, inside(f"{BLOCK}attn.", f"{OUR_BLOCK}first."))


def test_both_attentions_equal_the_released_ones() -> None:
    with every_array_of("sub_attention") as arrays:
        images = {"": given(arrays, "x"), "b2/": given(arrays, "x_b2_32x64")}
        for scale, shift in CASES:
            case = arrays.folder(f"{scale}_shift{shift}")
            weights = case.folder("param")
            channel = load_released(
                IntraScaleAttention(4, 2),
                weights,
                inside(f"{BLOCK}attn.", f"{OUR_BLOCK}second."),
            )
            window = window_attention(ReleasedCrossScaleAttention, weights, scale, shift)
            for size, image in images.items():
                if f"{size}window_out" in case:
                    case.agree(f"{size}channel_out", output(channel, image), atol=1e-5)
                    case.agree(f"{size}window_out", output(window, image), atol=1e-5)


def test_spatial_window_attention_equals_the_papers() -> None:
    given_there = Arrays(load_fixture("sub_attention"), set())
    image = given(given_there, "x")
    with every_array_of("sub_attention_spatial") as arrays:
        for scale in SCALES:
            weights = given_there.folder(f"{scale}_shift0/param")
            module = window_attention(CrossScaleAttention, weights, scale, 0)
            arrays.agree(f"{scale}_shift0/window_out_spatial", output(module, image), atol=1e-5)


@pytest.mark.parametrize("shift", [0, 1])
def test_without_a_pyramid_the_released_attention_is_the_papers(shift: int) -> None:
    arrays = Arrays(load_fixture("sub_attention"), set())
    case, image = arrays.folder(f"s1_shift{shift}"), given(arrays, "x")
    module = window_attention(CrossScaleAttention, case.folder("param"), "s1", shift)
    case.agree("window_out", output(module, image), atol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
def test_our_plain_loops_equal_the_papers_plain_loops(scale: str) -> None:
    arrays = Arrays(load_fixture("sub_attention"), set())
    weights = arrays.folder(f"{scale}_shift0/param")
    module = window_attention(CrossScaleAttention, weights, scale, 0)
    rows = slice(31, 33)
    ours = cross_scale_loops(
        given(arrays, "x")[0].numpy(), numbers(module), heads=2, window=8,
        reduction=SCALES[scale], shift=False, rows=range(31, 33),
    )  # fmt: skip
    expected = load_fixture("sub_attention_spatial")[f"{scale}_shift0/window_out_spatial"][0]
    np.testing.assert_allclose(ours[:, rows], expected[:, rows], atol=1e-5, rtol=0)


# Folder; our module; where it sits in the released network and in ours; inputs and output.
PIECES: dict[str, tuple[Callable[[], nn.Module], str, str, list[str], str]] = {
    "layernorm_WithBias": (
        lambda: ChannelNorm(8), f"{BLOCK}norm1.", f"{OUR_BLOCK}attention_norm.",
        ["input"], "output",
    ),
    "ffn": (
        lambda: FeatureEnhancing(8, 2.6), f"{BLOCK}ffn.", f"{OUR_BLOCK}feed.",
        ["input_window_branch", "input_channel_branch"], "output_no_shortcut",
    ),
    **{
        f"cswa_down_{1 / factor}": (
            lambda factor=factor: Reduction(8, factor), f"{BLOCK}attn.downsamp.",
            f"{OUR_BLOCK}first.reduce.", ["input"], "output",
        )
        for factor in (2, 4, 8)
    },
    "downsample": (lambda: Downsample(8), "down1_2.", "downs.0.", ["input"], "output"),
    "upsample": (lambda: Upsample(8), "up4_3.", "ups.0.", ["input"], "output"),
    **{
        f"block_{scale}_shift{shift}": (
            lambda scale=scale, shift=shift: block(SCALES[scale], shift), BLOCK, OUR_BLOCK,
            ["input"], "output",
        )
        for scale in ("s1", "s0.5") for shift in (0, 1)
    },
}  # fmt: skip


def block(reduction: int, shift: int) -> MPTBlock:
    config = MPTBlocks(
        heads=(2, 2, 2, 2),
        reductions=((reduction, reduction), (), (), ()),
        alignment="official",
        shortcut="x2",
    )
    return MPTBlock(8, config, level=0, index=shift)


@pytest.mark.parametrize("piece", PIECES)
def test_the_piece_equals_the_released_one(piece: str) -> None:
    build, theirs, ours, inputs, result = PIECES[piece]
    with every_array_of("sub_blocks", piece) as arrays:
        module = load_released(build(), arrays.folder("param"), inside(theirs, ours))
        images = [given(arrays, name) for name in inputs]
        arrays.agree(result, output(module, *images), atol=1e-5)


def test_the_norm_without_bias_is_ours_without_taking_the_mean_off() -> None:
    # An option of the released code that none of its networks uses.
    with every_array_of("sub_blocks", "layernorm_BiasFree") as arrays:
        norm, x = ChannelNorm(8), given(arrays, "input")
        weight = torch.tensor(arrays["param/body.weight"])
        norm.load_state_dict({"weight": weight, "bias": torch.zeros(8)})
        mean = x.mean(1, keepdim=True) / (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
        arrays.agree("output", output(norm, x) + weight[:, None, None] * mean, atol=1e-5)


def test_mask_and_index_equal_the_released_ones() -> None:
    stored = load_fixture("sub_blocks")
    np.testing.assert_array_equal(relative_index(8), stored["relative_position_index_ws8"])
    for kind in (CrossScaleAttention, ReleasedCrossScaleAttention):
        mask = kind(4, 1, shift=True).offsets(4, 4).detach()[:, 0]
        np.testing.assert_array_equal(mask, stored["shift_mask_32x32_ws8"])


def test_no_piece_was_left_aside() -> None:
    assert folders_of("sub_blocks") == {*PIECES, "layernorm_BiasFree"}
