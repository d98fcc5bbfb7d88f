"""Keys, shapes and sizes of the released DGNO checkpoints, and the way from them to our modules.

A checkpoint tells the sizes, the variant and the heads. It does not tell the flux, the boundary
treatment and the activation of the shallow branch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dgno_core.models.config import DGNOConfig
from dgno_core.models.released_names import Shapes, translate

_STAGES = {"encoder_level1": 0, "encoder_level2": 1, "encoder_level3": 2, "latent": 3}
_OPERATORS = {
    "conv000": (0, 0),
    "conv111": (0, 1),
    "conv00": (1, 0),
    "conv11": (1, 1),
    "conv0": (2, 0),
    "conv1": (2, 1),
}
_TOP = {
    "patch_embed.proj": "lifting.stem",
    "down1_2.body.0": "lifting.downs.0.conv",
    "down2_3.body.0": "lifting.downs.1.conv",
    "down3_4.body.0": "lifting.downs.2.conv",
    "FAM1.merge.main.0": "lifting.merges.1.conv",
    "FAM2.merge.main.0": "lifting.merges.0.conv",
    "up4_3.body.0": "ups.0.conv",
    "up3_2.body.0": "ups.1.conv",
    "up2_1.body.0": "ups.2.conv",
    "reduce_chan_level3": "fusions.0",
    "reduce_chan_level2": "fusions.1",
    "reduce_chan_level1": "fusions.2",
    "ConvsOut.0.main.0": "heads.0",
    "ConvsOut.1.main.0": "heads.1",
    "output": "heads.2",
}
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
# The helper module of the convolutions is written in more than one way in this family of code.
_SHALLOW = re.compile(r"SCM([12])\.main\.([0-4])(?:\.main)?(?:\.0|\.conv)?\.(weight|bias)")
_CONSTANT = re.compile(r"\.face_idx_(left|right|top|bottom)$")
_LEVEL = re.compile(r"(encoder_level[123]|latent)\.(\d+)\.")


def recognise(shapes: Shapes) -> DGNOConfig | None:
    """Architecture of a released DGNO checkpoint.

    Parameters
    ----------
    shapes : mapping
        Shape of every tensor, under the released names.

    Returns
    -------
    DGNOConfig or None
        With ``assembly="official"`` and the paper's best flux and boundary of the variant; the
        caller may change those and the activation. None if this is no DGNO checkpoint.

    Raises
    ------
    ValueError
        If parts are missing, or sizes do not fit together.
    """
    stem = shapes.get("patch_embed.proj.weight", ())
    norm = shapes.get("conv0.kln.weight", ())
    scan = shapes.get("encoder_level1.0.attn.selectiveScan.A_logs", ())
    tokens = shapes.get("encoder_level1.0.attn.embeddingB.weight", ())
    if (len(stem), len(norm), len(scan), len(tokens)) != (4, 3, 2, 2):
        return None
    face = _element(shapes)
    blocks = _blocks(shapes)
    if not all(blocks):
        raise ValueError(f"the encoder's levels have {blocks} blocks")
    return DGNOConfig.model_validate(
        {
            "channels": stem[1],
            "width": stem[0],
            "blocks": blocks,
            "lifting": {
                "kind": "mamba",
                "state": scan[1],
                "tokens": tokens[0],
                "rank": tokens[1],
            },
            "heads": norm[0],
            "formulation": "cell" if face is None else "face",
            "flux": "jump" if face is None else "average_jump",
            "boundary": "neumann" if face is None else "dirichlet",
            "assembly": "official",
            "learn_tau": "conv0.tau" in shapes,
            "element": face or 8,
        }
    )


def _element(shapes: Shapes) -> int | None:
    """Element size that the index buffers of a Face network tell; None for a Cell network."""
    sides = [shape for key, shape in shapes.items() if _CONSTANT.search(key)]
    if not sides:
        return None
    complete = 4 * sum(key.endswith(".kln.weight") for key in shapes)
    if len(sides) != complete or len(set(sides)) != 1 or len(sides[0]) != 1:
        raise ValueError(f"{len(sides)} of {complete} index buffers of a Face network")
    return sides[0][0]


def _blocks(keys: Iterable[str]) -> tuple[int, ...]:
    """Number of blocks of the four levels."""
    found = {match.groups() for key in keys if (match := _LEVEL.match(key))}
    return tuple(sum(name == stage for name, _ in found) for stage in _STAGES)


def rename(key: str) -> str | None:
    """Our name of a tensor of the whole network.

    Parameters
    ----------
    key : str
        Released name.

    Returns
    -------
    str or None
        None for constants that our modules compute.

    Raises
    ------
    KeyError
        If the released networks have no such tensor.
    """
    if _CONSTANT.search(key):
        return None
    first, _, rest = key.partition(".")
    if first in _STAGES:
        index, _, inner = rest.partition(".")
        return f"lifting.stages.{_STAGES[first]}.{index}.{rename_in_block(inner)}"
    if first in _OPERATORS:
        scale, turn = _OPERATORS[first]
        return f"operators.{scale}.{turn}.{rename_in_layer(rest)}"
    if match := _SHALLOW.fullmatch(key):
        branch, layer, kind = 2 - int(match[1]), int(match[2]), match[3]
        inner = f"convs.{layer}" if layer < 4 else "norm"
        return f"lifting.shallow.{branch}.{inner}.{kind}"
    return translate(_TOP, key)


def rename_in_block(key: str) -> str:
    """Our name of a tensor, relative to its encoder block."""
    return _BLOCK_PARAMETERS.get(key) or translate(_BLOCK, key)


def rename_in_layer(key: str) -> str:
    """Our name of a tensor, relative to its operator layer."""
    return translate(_LAYER, key)
