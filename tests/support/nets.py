"""What every network must do, whatever it is made of."""

from __future__ import annotations

import torch

from dgno_core.models.network import Network
from support.blocks import randomised


def check_forward_and_backward(model: Network, height: int, width: int) -> None:
    """Run one image and check that every parameter gets a finite gradient that is not all zero.

    The parameters are drawn anew first: scales that start at zero would hide what is behind.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, model.config.channels, height, width, generator=generator)
    randomised(model)
    outputs = model(image)
    assert len(outputs) == model.scales
    assert outputs[-1].shape == image.shape
    assert outputs[-1].isfinite().all()
    sum(output.square().mean() for output in outputs).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def check_padding(model: Network, height: int, width: int) -> None:
    """Check that an odd size gives what the same image reflected to a full size gives."""
    image = torch.rand(1, model.config.channels, height, width)
    multiple = model.config.multiple
    padded = torch.nn.functional.pad(
        image, (0, -width % multiple, 0, -height % multiple), mode="reflect"
    )
    assert padded.shape != image.shape
    with torch.inference_mode():
        expected = model(padded)[-1][..., :height, :width]
        torch.testing.assert_close(model(image)[-1], expected, rtol=0, atol=0)
