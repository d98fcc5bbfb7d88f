"""MPT's block: what the paper's definition promises, beside the released numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dgno_core.encoders.mpt import MPTBlock
from dgno_core.encoders.mpt.block import FeatureEnhancing, IntraScaleAttention
from dgno_core.encoders.mpt.cross_scale import CrossScaleAttention, Reduction
from dgno_core.encoders.mpt.released import ReleasedCrossScaleAttention
from dgno_core.encoders.mpt_config import ABLATIONS, MPTBlocks
from support.blocks import convolve, randomised
from support.half import half_and_exact, in_both_ways, in_half, random
from support.mpt_loops import cross_scale_loops, numbers

KINDS = [CrossScaleAttention, ReleasedCrossScaleAttention]


def image(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("size", [(16, 32), (32, 16)])
@pytest.mark.parametrize("reduction", [1, 2, 4])
def test_cross_scale_attention_equals_plain_loops(
    reduction: int, size: tuple[int, int], shift: bool
) -> None:
    module = randomised(
        CrossScaleAttention(4, 2, window=4, reduction=reduction, shift=shift)
    ).double()
    x = image(2, 4, *size)
    with torch.inference_mode():
        ours = module(x)
    for sample, map_ in zip(ours, x, strict=True):
        expected = cross_scale_loops(
            map_.numpy(), numbers(module), heads=2, window=4, reduction=reduction, shift=shift
        )
        np.testing.assert_allclose(sample, expected, atol=1e-12, rtol=0)


def changed_by_one_pixel(module: torch.nn.Module, x: Tensor, y0: int, x0: int) -> Tensor:
    """Where the output moves when one pixel of the input does, ``(Y, X)``."""
    other = x.clone()
    other[..., y0, x0] += 1
    with torch.inference_mode():
        return (module.double()(x) != module(other)).any(1)[0]


@pytest.mark.parametrize("reduction", [1, 2, 4])
def test_a_pixel_reaches_the_region_of_its_own_window_and_nothing_else(reduction: int) -> None:
    module = CrossScaleAttention(4, 2, window=4, reduction=reduction, np_conv=False)
    moved = changed_by_one_pixel(randomised(module), image(1, 4, 32, 32), 17, 30)
    side = 4 * reduction
    region = torch.zeros_like(moved)
    y0, x0 = 17 // side * side, 30 // side * side
    region[y0 : y0 + side, x0 : x0 + side] = True
    assert torch.equal(moved, region)


def test_a_pixel_reaches_other_regions_in_the_released_code() -> None:
    module = ReleasedCrossScaleAttention(4, 2, window=4, reduction=2, np_conv=False)
    moved = changed_by_one_pixel(randomised(module), image(1, 4, 32, 32), 17, 30)
    assert moved[:16].any() or moved[:, :24].any()


def test_a_shifted_region_lies_half_a_window_of_cells_further() -> None:
    module = CrossScaleAttention(4, 2, window=4, reduction=2, np_conv=False, shift=True)
    moved = changed_by_one_pixel(randomised(module), image(1, 4, 32, 32), 17, 11)
    region = torch.zeros_like(moved)
    region[12:20, 4:12] = True
    assert torch.equal(moved, region)


def test_a_shift_does_not_join_opposite_sides_of_the_image() -> None:
    module = CrossScaleAttention(4, 2, window=4, reduction=2, np_conv=False, shift=True)
    moved = changed_by_one_pixel(randomised(module), image(1, 4, 32, 32), 0, 15)
    region = torch.zeros_like(moved)
    region[:4, 12:20] = True
    assert torch.equal(moved, region)


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("reduction", [1, 2])
def test_a_move_by_whole_windows_moves_the_result(reduction: int, shift: bool) -> None:
    module = randomised(
        CrossScaleAttention(4, 2, window=4, reduction=reduction, shift=shift)
    ).double()
    side = 4 * reduction
    x = image(1, 4, 6 * side, 6 * side)
    step = (side, -side)
    with torch.inference_mode():
        moved = module(x.roll(step, (-2, -1)))
        expected = module(x).roll(step, (-2, -1))
    inner = slice(2 * side, -2 * side)
    torch.testing.assert_close(
        moved[..., inner, inner], expected[..., inner, inner], rtol=0, atol=1e-12
    )
    assert not torch.allclose(moved, expected)


@pytest.mark.parametrize("shift", [False, True])
def test_alignments_differ_only_in_a_pyramid(shift: bool) -> None:
    x = image(1, 4, 32, 32)
    for reduction in (1, 2):
        ours, theirs = (
            randomised(kind(4, 2, window=4, reduction=reduction, shift=shift)).double()
            for kind in KINDS
        )
        assert ours.state_dict().keys() == theirs.state_dict().keys()
        with torch.inference_mode():
            assert torch.allclose(ours(x), theirs(x), atol=1e-12) == (reduction == 1)


@pytest.mark.parametrize("kind", KINDS)
def test_constants_are_not_stored_with_the_weights(kind: type[CrossScaleAttention]) -> None:
    module = kind(4, 2, reduction=2, shift=True)
    assert module.state_dict().keys() == dict(module.named_parameters()).keys()


def test_channel_attention_mixes_the_channels_of_a_head_over_the_whole_map() -> None:
    module = randomised(IntraScaleAttention(4, 2)).double()
    with torch.no_grad():
        module.project.weight.copy_(torch.eye(4)[:, :, None, None])
    seen = {}
    module.key_value_mix.register_forward_hook(lambda _m, _i, out: seen.update(kv=out))
    module.query_mix.register_forward_hook(lambda _m, _i, out: seen.update(q=out))
    with torch.inference_mode():
        ours = module(image(1, 4, 6, 5))[0]
    (q,), (kv,) = seen["q"], seen["kv"]
    for head in range(2):
        for a in range(2 * head, 2 * head + 2):
            logits = [
                F.cosine_similarity(q[a].flatten(), kv[b].flatten(), dim=0).item()
                * module.temperature[head].item()
                for b in range(2 * head, 2 * head + 2)
            ]
            weights = np.exp(logits) / np.exp(logits).sum()
            expected = sum(w * kv[4 + 2 * head + i] for i, w in enumerate(weights))
            torch.testing.assert_close(ours[a], expected)


FUSIONS = {
    "gated": lambda x1, x2: _gelu(x2) * x1,
    "reversed": lambda x1, x2: _gelu(x1) * x2,
    "concatenated": lambda x1, x2: torch.cat([_gelu(x1), _gelu(x2)], dim=1),
    "added": lambda x1, x2: _gelu(x1 + x2),
}


def _gelu(x: Tensor) -> Tensor:
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


@pytest.mark.parametrize("fusion", FUSIONS)
def test_feed_forward_joins_the_branches(fusion: str) -> None:
    module = randomised(FeatureEnhancing(4, 2.6, fusion)).double()
    x1, x2 = image(2, 2, 4, 6, 8)
    with torch.inference_mode():
        joined = FUSIONS[fusion](module.expand1(x1), module.mix2(module.expand2(x2)))
        torch.testing.assert_close(module(x1, x2), module.project(joined))


@pytest.mark.parametrize("shortcut", ["x1", "x2", "both", "none"])
def test_the_shortcut_around_the_feed_forward(shortcut: str) -> None:
    config = MPTBlocks(window=4, heads=(2, 2, 2, 2), shortcut=shortcut)
    block = randomised(MPTBlock(4, config, level=0, index=4)).double()
    torch.nn.init.zeros_(block.feed.project.weight)
    x = image(1, 4, 16, 16)
    with torch.inference_mode():
        u = block.attention_norm(x)
        x1, x2 = x + block.first(u), x + block.second(u)
        expected = {"x1": x1, "x2": x2, "both": x1 + x2, "none": torch.zeros_like(x)}
        torch.testing.assert_close(block(x), expected[shortcut])


# What becomes of a square of pixels of one channel; the filter has its shape.
POOLS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "average": lambda square, _filter: square.mean(),
    "no_shortcut": lambda square, _filter: square.mean(),
    "no_linear": lambda square, _filter: square.mean(),
    "maximum": lambda square, _filter: square.max(),
    "convolution": lambda square, filter_: (square * filter_).sum(),
}


@pytest.mark.parametrize("kind", POOLS)
def test_down_sampling_variants(kind: str) -> None:
    module = randomised(Reduction(3, 2, kind)).double()
    (x,) = image(1, 3, 4, 6).numpy()
    filters = np.ones((3, 2, 2))
    if module.convolution is not None:
        filters = module.convolution.weight[:, 0].detach().numpy()
    pooled = np.zeros((3, 2, 3))
    for c, i, j in np.ndindex(pooled.shape):
        pooled[c, i, j] = POOLS[kind](x[c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2], filters[c])
    expected = pooled
    if kind != "no_linear":
        projected = convolve(pooled, numbers(module), "project")
        expected = projected if kind == "no_shortcut" else pooled + projected
    with torch.inference_mode():
        np.testing.assert_allclose(module(torch.tensor(x)[None])[0], expected, rtol=0, atol=1e-12)
    assert (module.project is None) == (kind == "no_linear")


def test_bicubic_down_sampling_keeps_a_ramp() -> None:
    module = Reduction(1, 4, "bicubic")
    torch.nn.init.zeros_(module.project.weight)
    ramp = torch.arange(32.0).expand(1, 1, 32, 32)
    with torch.inference_mode():
        reduced = module(ramp)
    assert reduced.shape == (1, 1, 8, 8)
    torch.testing.assert_close(reduced[0, 0, 0, 1:-1], torch.arange(5.5, 28, 4))


@pytest.mark.parametrize(
    ("attention", "names"),
    [
        ("cswa+isca", ("cswa", "isca")),
        ("cswa+cswa", ("cswa", "cswa")),
        ("wa+wa", ("wa", "wa")),
        ("isca+isca", ("isca", "isca")),
        ("wa+isca", ("wa", "isca")),
    ],
)
def test_pairs_of_attentions(attention: str, names: tuple[str, str]) -> None:
    def name(module: torch.nn.Module) -> str:
        if isinstance(module, IntraScaleAttention):
            return "isca"
        assert isinstance(module, CrossScaleAttention)
        return "wa" if module.reduction == 1 else "cswa"

    block = MPTBlock(8, MPTBlocks(attention=attention), level=0, index=0)
    assert (name(block.first), name(block.second)) == names


@pytest.mark.parametrize(("index", "wanted", "shift"), [(0, True, 0), (1, True, 4), (1, False, 0)])
def test_every_second_block_shifts(index: int, wanted: bool, shift: int) -> None:
    block = MPTBlock(8, MPTBlocks(shift=wanted), level=0, index=index)
    assert isinstance(block.first, CrossScaleAttention)
    assert block.first.shift == shift


@pytest.mark.parametrize(
    ("changes", "multiple"),
    [
        ({}, 128),
        (ABLATIONS["scales-v1"], 64),
        (ABLATIONS["scales-v2"], 256),
        (ABLATIONS["scales-v3"], 128),
        (ABLATIONS["attention-v2"], 64),
        (ABLATIONS["attention-v3"], 8),
        (ABLATIONS["attention-v4"], 64),
    ],
)
def test_windows_fit_into_multiples(changes: dict[str, object], multiple: int) -> None:
    assert MPTBlocks().changed(**changes).multiple == multiple


def test_a_scale_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        MPTBlocks(reductions=((0,), (1,), (1,), (1,)))


@in_half
@in_both_ways
def test_a_dark_window_is_attended_in_half_precision(half: torch.dtype, autocast: bool) -> None:
    """Queries and keys of a window that is zero all over have no direction."""
    attention = randomised(CrossScaleAttention(4, 2, window=4)).double()
    x = random(1, 4, 8, 8)
    x[..., :4, :4] = 0
    found, exact = half_and_exact(attention, x, half, autocast)
    largest = float(exact.abs().max())
    torch.testing.assert_close(found, exact, rtol=0, atol=16 * torch.finfo(half).eps * largest)
