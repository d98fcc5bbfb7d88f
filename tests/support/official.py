"""Keys of the released networks, mapped to this project's modules (for the fixtures)."""

from __future__ import annotations

import re

import torch
from torch import Tensor

_BLOCK = {
    "norm1.body": "scan_norm",
    "norm2.body": "feed_norm",
    "attn.route": "scan.route",
    "attn.in_proj.0": "scan.expand",
    "attn.CPE.0": "scan.gate",
    "attn.out_norm": "scan.norm",
    "attn.out_proj": "scan.project",
    "ffn.project_in": "feed.expand",
    "ffn.dwconv": "feed.mix",
    "ffn.project_out": "feed.project",
}
_BLOCK_PARAMETERS = {
    "embeddingA.weight": "basis",
    "attn.embeddingB.weight": "scan.tokens",
    "attn.selectiveScan.x_proj_weight": "scan.select.weight",
    "attn.selectiveScan.dt_projs_weight": "scan.step.weight",
    "attn.selectiveScan.dt_projs_bias": "scan.step.bias",
    "attn.selectiveScan.A_logs": "scan.A_log",
    "attn.selectiveScan.Ds": "scan.D",
}
_LAYER = {
    "qkv_proj": "qkv",
    "kln": "key_norm",
    "vln": "value_norm",
    "out_proj1": "mix",
    "out_proj2": "project",
    "tau": "tau",
}
_STAGES = {"encoder_level1": 0, "encoder_level2": 1, "encoder_level3": 2, "latent": 3}
_TOP = {
    "patch_embed.proj": "stem",
    "down1_2.body.0": "downs.0.conv",
    "down2_3.body.0": "downs.1.conv",
    "down3_4.body.0": "downs.2.conv",
    "up4_3.body.0": "ups.0.conv",
    "up3_2.body.0": "ups.1.conv",
    "up2_1.body.0": "ups.2.conv",
    "reduce_chan_level3": "fusions.0",
    "reduce_chan_level2": "fusions.1",
    "reduce_chan_level1": "fusions.2",
    "FAM1.merge.main.0": "merges.1.conv",
    "FAM2.merge.main.0": "merges.0.conv",
    "ConvsOut.0.main.0": "heads.0",
    "ConvsOut.1.main.0": "heads.1",
    "output": "heads.2",
}
_OPERATORS = {
    "conv000": (0, 0),
    "conv111": (0, 1),
    "conv00": (1, 0),
    "conv11": (1, 1),
    "conv0": (2, 0),
    "conv1": (2, 1),
}


def block_key(key: str) -> str:
    """Key inside an encoder block."""
    if key in _BLOCK_PARAMETERS:
        return _BLOCK_PARAMETERS[key]
    stem = next(name for name in _BLOCK if key.startswith(name + "."))
    return _BLOCK[stem] + key.removeprefix(stem)


def layer_key(key: str) -> str:
    """Key inside an operator layer."""
    first, *rest = key.split(".")
    return ".".join([_LAYER[first], *rest])


def network_key(key: str) -> str:
    """Key of the whole network."""
    first, *rest = key.split(".")
    if first in _STAGES:
        return f"stages.{_STAGES[first]}.{rest[0]}." + block_key(".".join(rest[1:]))
    if first in _OPERATORS:
        scale, turn = _OPERATORS[first]
        return f"operators.{scale}.{turn}." + layer_key(".".join(rest))
    if match := re.fullmatch(r"SCM([12])\.main\.(\d)(?:\.main\.0)?\.(weight|bias)", key):
        branch, index, kind = 2 - int(match[1]), int(match[2]), match[3]
        return f"shallow.{branch}." + (f"convs.{index}.{kind}" if index < 4 else f"norm.{kind}")
    stem = next(name for name in _TOP if key.startswith(name + "."))
    return _TOP[stem] + key.removeprefix(stem)


def fit(values: dict[str, Tensor], like: dict[str, Tensor]) -> dict[str, Tensor]:
    """Values in the shapes of `like`: the released files carry some axes of length 1."""
    missing = like.keys() ^ values.keys()
    assert not missing, f"keys differ: {sorted(missing)}"
    return {key: torch.as_tensor(value).reshape(like[key].shape) for key, value in values.items()}
