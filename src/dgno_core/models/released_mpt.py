"""Keys, shapes and sizes of the released MPT checkpoints, and the way from them to our modules.

Keys are those behind the prefixes ``module.`` and ``Network.``. A checkpoint tells all sizes and
which blocks have a scale below 1, but not these scales.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dgno_core.encoders.mpt_config import SCALE_SETS, Reductions
from dgno_core.errors import DGNOError
from dgno_core.models.config import MPTConfig
from dgno_core.models.released_names import Shapes, translate

_LEVELS = ("encoder_level1", "encoder_level2", "encoder_level3", "latent")
_STAGES = {name: f"encoder.{level}" for level, name in enumerate(_LEVELS)} | {
    "decoder_level3": "decoder.0",
    "decoder_level2": "decoder.1",
    "decoder_level1": "decoder.2",
}
_TOP = {
    "inproj": "stem",
    "down1_2.body.0": "downs.0.conv",
    "down2_3.body.0": "downs.1.conv",
    "down3_4.body.0": "downs.2.conv",
    "up4_3.body.0": "ups.0.conv",
    "up3_2.body.0": "ups.1.conv",
    "up2_1.body.0": "ups.2.conv",
    "output": "head",
}
# Number 0 is the channel attention, number 1 the window attention.
_BLOCK = {
    "norm1.body": "attention_norm",
    "attn.temperature.0": "second.temperature",
    "attn.q.0": "second.query",
    "attn.kv.0": "second.key_value",
    "attn.q_dwconv.0": "second.query_mix",
    "attn.kv_dwconv.0": "second.key_value_mix",
    "attn.project_out.0": "second.project",
    "attn.temperature.1": "first.temperature",
    "attn.q.1": "first.query",
    "attn.kv.1": "first.key_value",
    "attn.q_dwconv.1": "first.query_mix",
    "attn.kv_dwconv.1": "first.key_value_mix",
    "attn.project_out.1": "first.project",
    "attn.downsamp.downproj": "first.reduce.project",
    "attn.relative_position_bias_table": "first.bias.table",
    "norm2.0.body": "second_norm",
    "norm2.1.body": "first_norm",
    "ffn.project_in1": "feed.expand2",
    "ffn.dwconv1": "feed.mix2",
    "ffn.project_in2": "feed.expand1",
    "ffn.project_out": "feed.project",
}
_CONSTANT = "relative_position_index"
PAPER_EXPANSION = 2.6


def recognise(shapes: Shapes, reductions: Reductions | None = None) -> MPTConfig | None:
    """Architecture of a released MPT checkpoint.

    Parameters
    ----------
    shapes : mapping
        Shape of every tensor, under the released names.
    reductions : Reductions, optional
        1/s of every block. None: those of the paper, or 1 where no block down-samples.

    Returns
    -------
    MPTConfig or None
        With ``alignment="official"`` and ``shortcut="x2"``. None if this is no MPT checkpoint.

    Raises
    ------
    DGNOError
        If other blocks than those with a scale below 1 down-sample.
    """
    stem = shapes.get("inproj.weight", ())
    table = shapes.get("encoder_level1.0.attn.relative_position_bias_table", ())
    projections = [shapes.get(f"{name}.0.ffn.project_out.weight", ()) for name in _LEVELS]
    temperatures = [shapes.get(f"{name}.0.attn.temperature.1", ()) for name in _LEVELS]
    if [len(stem), len(table), *map(len, projections), *map(len, temperatures)] != (
        [4, 2] + 4 * [2] + 4 * [3]
    ):
        return None
    pyramid = _pyramid(shapes)
    if reductions is None and any(map(any, pyramid)):
        reductions = SCALE_SETS["paper"]
    scales = reductions or tuple((1,) * len(level) for level in pyramid)
    if tuple(tuple(r > 1 for r in level) for level in scales) != pyramid:
        raise DGNOError(
            "This MPT does not down-sample in the blocks in which the paper's network does, and "
            "the file does not hold its pyramid scales; give them (--scales)."
        )
    return MPTConfig.model_validate(
        {
            "channels": stem[1],
            "width": stem[0],
            "blocks": tuple(map(len, pyramid)),
            "lifting": {
                "heads": tuple(shape[0] for shape in temperatures),
                "window": (round(table[0] ** 0.5) + 1) // 2,
                "expansion": _expansion(projections),
                "reductions": scales,
                "alignment": "official",
                "shortcut": "x2",
            },
        }
    )


def _pyramid(shapes: Shapes) -> tuple[tuple[bool, ...], ...]:
    """Which blocks down-sample their keys and values, level by level."""
    return tuple(
        tuple(
            f"{name}.{index}.attn.downsamp.downproj.weight" in shapes
            for index in range(sum(1 for key in shapes if _is_first_of_block(key, name)))
        )
        for name in _LEVELS
    )


def _is_first_of_block(key: str, stage: str) -> bool:
    return re.fullmatch(rf"{stage}\.\d+\.norm1\.body\.weight", key) is not None


def _expansion(projections: Sequence[tuple[int, ...]]) -> float:
    """A round factor that gives the hidden widths, from shapes ``(C, hidden)``."""
    low = max(hidden / channels for channels, hidden in projections)
    high = min((hidden + 1) / channels for channels, hidden in projections)
    middle = (low + high) / 2
    fitting = (
        value
        for value in (PAPER_EXPANSION, *(round(middle, digits) for digits in range(1, 4)), middle)
        if all(int(value * channels) == hidden for channels, hidden in projections)
    )
    return next(fitting, middle)


def rename(key: str) -> str | None:
    """Our name of a tensor of the whole network.

    The matrices of linear maps are 1x1 convolutions of ours: they lack two axes of length 1.

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
    first, _, rest = key.partition(".")
    if first not in _STAGES:
        return translate(_TOP, key)
    index, _, inner = rest.partition(".")
    name = rename_in_block(inner)
    return None if name is None else f"{_STAGES[first]}.{index}.{name}"


def rename_in_block(key: str) -> str | None:
    """Our name of a tensor, relative to its block; see `rename`."""
    return None if key.endswith(_CONSTANT) else translate(_BLOCK, key)
