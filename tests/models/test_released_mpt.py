"""Recognising and naming the tensors of released MPT files, from their key table alone."""

from __future__ import annotations

import pytest
import torch

from dgno_core.encoders.mpt_config import SCALE_SETS, MPTBlocks, Reductions
from dgno_core.errors import DGNOError
from dgno_core.models.config import MPTConfig
from dgno_core.models.mpt import MPT
from dgno_core.models.released_mpt import recognise, rename

LEVELS = ("encoder_level1", "encoder_level2", "encoder_level3", "latent")
STAGES = dict(zip(LEVELS, range(4), strict=True)) | {
    f"decoder_level{level + 1}": level for level in range(3)
}
RELEASED = {"alignment": "official", "shortcut": "x2"}


def key_table(
    channels: int = 3,
    width: int = 40,
    heads: tuple[int, ...] = (1, 2, 4, 8),
    window: int = 8,
    expansion: float = 2.6,
    reductions: Reductions = SCALE_SETS["paper"],
) -> dict[str, tuple[int, ...]]:
    """Keys and shapes of a released file, from the table in the facts on MPT."""
    table = {
        "inproj.weight": (width, channels, 3, 3),
        "output.weight": (channels, width, 3, 3),
    }
    for level in range(3):
        c = width << level
        table[f"down{level + 1}_{level + 2}.body.0.weight"] = (c // 2, c, 3, 3)
        table[f"up{level + 2}_{level + 1}.body.0.weight"] = (4 * c, 2 * c, 3, 3)
    for stage, level in STAGES.items():
        c, h = width << level, heads[level]
        hidden = int(expansion * c)
        for index, reduction in enumerate(reductions[level]):
            block = {
                **{f"{n}.body.{p}": (c,) for n in ("norm1", "norm2.0", "norm2.1")
                   for p in ("weight", "bias")},
                **{f"attn.temperature.{i}": (h, 1, 1) for i in (0, 1)},
                "attn.q.0.weight": (c, c, 1, 1), "attn.kv.0.weight": (2 * c, c, 1, 1),
                "attn.q.1.weight": (c, c), "attn.kv.1.weight": (2 * c, c),
                **{f"attn.q_dwconv.{i}.weight": (c, 1, 3, 3) for i in (0, 1)},
                **{f"attn.kv_dwconv.{i}.weight": (2 * c, 1, 3, 3) for i in (0, 1)},
                **{f"attn.project_out.{i}.weight": (c, c) for i in (0, 1)},
                "attn.relative_position_bias_table": ((2 * window - 1) ** 2, h),
                "attn.relative_position_index": (window**2, window**2),
                "ffn.project_in1.weight": (hidden, c, 1, 1),
                "ffn.dwconv1.weight": (hidden, 1, 3, 3),
                "ffn.project_in2.weight": (hidden, c),
                "ffn.project_out.weight": (c, hidden),
            }  # fmt: skip
            if reduction > 1:
                block["attn.downsamp.downproj.weight"] = (c, c, 1, 1)
            table |= {f"{stage}.{index}.{key}": shape for key, shape in block.items()}
    return table


@pytest.mark.parametrize("channels", [1, 3])
def test_the_released_networks_are_recognised(channels: int) -> None:
    config = recognise(key_table(channels))
    assert config == MPTConfig(channels=channels, lifting=MPTBlocks(**RELEASED))


@pytest.mark.parametrize("channels", [1, 3])
def test_every_tensor_finds_its_place(channels: int) -> None:
    with torch.device("meta"):
        own = MPT(MPTConfig(channels=channels)).state_dict()
    found = {}
    for key, shape in key_table(channels).items():
        if (name := rename(key)) is not None:
            assert name not in found
            found[name] = [length for length in shape if length != 1]
    assert found == {n: [length for length in t.shape if length != 1] for n, t in own.items()}


def test_other_sizes_are_read_from_the_shapes() -> None:
    reductions = ((2, 1), (2, 1), (1,), (1,))
    shapes = key_table(1, 24, (1, 3, 3, 6), 4, 1.75, reductions)
    config = recognise(shapes, reductions)
    assert config is not None
    assert (config.width, config.blocks) == (24, (2, 2, 1, 1))
    blocks = config.lifting
    assert (blocks.heads, blocks.window, blocks.reductions) == ((1, 3, 3, 6), 4, reductions)
    widths = [24 << level for level in range(4)]
    assert [int(blocks.expansion * c) for c in widths] == [int(1.75 * c) for c in widths]


def test_a_network_without_a_pyramid_needs_no_scales() -> None:
    config = recognise(key_table(reductions=SCALE_SETS["flat"]))
    assert config is not None
    assert config.lifting.reductions == SCALE_SETS["flat"]


def test_an_unknown_pyramid_is_refused() -> None:
    shapes = key_table()
    del shapes["latent.0.attn.downsamp.downproj.weight"]
    with pytest.raises(DGNOError, match="pyramid scales"):
        recognise(shapes)
    with pytest.raises(DGNOError, match="pyramid scales"):
        recognise(key_table(), SCALE_SETS["flat"])


@pytest.mark.parametrize(
    "missing",
    [
        "inproj.weight",
        "encoder_level1.0.attn.relative_position_bias_table",
        "latent.0.attn.temperature.1",
        "encoder_level2.0.ffn.project_out.weight",
    ],
)
def test_another_network_is_not_taken_for_one(missing: str) -> None:
    shapes = key_table()
    assert recognise({key: shape for key, shape in shapes.items() if key != missing}) is None
    assert recognise({}) is None


@pytest.mark.parametrize(
    "key", ["extra.weight", "latent.0.attn.extra.weight", "down4_5.body.0.weight"]
)
def test_an_unknown_key_has_no_name(key: str) -> None:
    with pytest.raises(KeyError):
        rename(key)


def test_constants_are_ignored() -> None:
    assert rename("decoder_level1.5.attn.relative_position_index") is None
