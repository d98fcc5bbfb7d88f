"""A made-up MPT checkpoint: our network under the released names and in the released shapes."""

from __future__ import annotations

from torch import Tensor, nn

from dgno_core.models import released_mpt

_STAGES = (*(f"encoder_level{n}" for n in (1, 2, 3)), "latent",
           *(f"decoder_level{n}" for n in (3, 2, 1)))  # fmt: skip
# Matrices of linear maps, which are 1x1 convolutions of ours.
_LINEAR = ("attn.q.1", "attn.kv.1", "attn.project_out.0", "attn.project_out.1",
           "ffn.project_in2", "ffn.project_out")  # fmt: skip
_BLOCK = (
    *(f"{name}.body.{word}" for name in ("norm1", "norm2.0", "norm2.1")
      for word in ("weight", "bias")),
    *(f"attn.temperature.{n}" for n in (0, 1)),
    *(f"attn.{name}.{n}.weight" for n in (0, 1)
      for name in ("q", "kv", "q_dwconv", "kv_dwconv", "project_out")),
    "attn.downsamp.downproj.weight", "attn.relative_position_bias_table",
    *(f"ffn.{name}.weight" for name in ("project_in1", "dwconv1", "project_in2", "project_out")),
)  # fmt: skip
_TOP = ("inproj.weight", "output.weight", *(f"{name}.body.0.weight" for name in (
    "down1_2", "down2_3", "down3_4", "up4_3", "up3_2", "up2_1")))  # fmt: skip


def released_state(model: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """State dict of an MPT with six blocks a level, as a released file has it."""
    own = model.state_dict()
    keys = (*_TOP, *(f"{stage}.{i}.{key}" for stage in _STAGES for i in range(6) for key in _BLOCK))
    state = {}
    for key in keys:
        tensor = own.pop(released_mpt.rename(key), None)
        if tensor is not None:
            is_linear = any(name in key for name in _LINEAR)
            state[prefix + key] = tensor.flatten(1) if is_linear else tensor
    assert not own, f"tensors without a released name: {sorted(own)}"
    return state
