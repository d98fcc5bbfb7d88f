from __future__ import annotations

import pytest
import torch

from dgno_core.losses import multiscale_loss
from dgno_core.losses.multiscale import frequency_l1, target_pyramid


def test_equals_its_definition() -> None:
    target = torch.rand(2, 1, 16, 24, dtype=torch.float64)
    pyramid = target_pyramid(target, 3)
    assert [t.shape[-2:] for t in pyramid] == [(4, 6), (8, 12), (16, 24)]
    half = target.view(2, 1, 8, 2, 12, 2).mean((3, 5))
    torch.testing.assert_close(pyramid[1], half)
    outputs = [torch.rand_like(t) for t in pyramid]
    expected = 0.0
    for output, sharp in zip(outputs, pyramid, strict=True):
        spectrum = torch.fft.fft2(output.float() - sharp.float())
        parts = torch.cat([spectrum.real.flatten(), spectrum.imag.flatten()])
        expected = expected + (output - sharp).abs().mean() + 0.1 * parts.abs().mean()
    torch.testing.assert_close(multiscale_loss(outputs, target), expected, atol=1e-6, rtol=1e-6)


def test_perfect_outputs_cost_nothing_and_every_scale_counts() -> None:
    target = torch.rand(1, 3, 16, 16)
    outputs = target_pyramid(target, 3)
    assert multiscale_loss(outputs, target) == 0
    for scale in range(3):
        worse = [o + 0.1 * (i == scale) for i, o in enumerate(outputs)]
        assert multiscale_loss(worse, target) > 0.09


def test_frequency_term_sees_a_lost_detail() -> None:
    target = torch.zeros(1, 1, 8, 8)
    assert frequency_l1(target + 1, target) == pytest.approx(64 / 128)


def test_sizes_must_fit() -> None:
    with pytest.raises(ValueError, match="compared"):
        multiscale_loss([torch.zeros(1, 1, 40, 40)], torch.zeros(1, 1, 37, 40))
