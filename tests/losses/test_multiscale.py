from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

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
        spectrum = torch.fft.fft2(output - sharp)
        parts = torch.cat([spectrum.real.flatten(), spectrum.imag.flatten()])
        expected = expected + (output - sharp).abs().mean() + 0.1 * parts.abs().mean()
    torch.testing.assert_close(multiscale_loss(outputs, target), expected, atol=0, rtol=1e-12)


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


def test_area_halves_like_bilinear_but_loses_no_odd_pixel() -> None:
    even = torch.rand(1, 2, 8, 12)
    torch.testing.assert_close(*(target_pyramid(even, 3, mode) for mode in ("bilinear", "area")))
    odd = torch.zeros(1, 1, 5, 5)
    odd[..., -1, -1] = 1
    assert not target_pyramid(odd, 2, "bilinear")[0].any()
    assert target_pyramid(odd, 2, "area")[0].any()


def test_nearest_keeps_every_second_pixel() -> None:
    target = torch.rand(2, 3, 8, 12)
    quarter, half, full = target_pyramid(target, 3, "nearest")
    assert torch.equal(half, target[..., ::2, ::2])
    assert torch.equal(quarter, target[..., ::4, ::4])
    assert full is target


@pytest.mark.parametrize("downsample", ["bilinear", "nearest", "area"])
def test_each_halving_has_its_own_perfect_outputs(downsample: str) -> None:
    target = torch.rand(1, 1, 16, 16)
    outputs = target_pyramid(target, 3, downsample)
    assert multiscale_loss(outputs, target, downsample=downsample) == 0
    other = "nearest" if downsample != "nearest" else "area"
    assert multiscale_loss(outputs, target, downsample=other) > 0


def test_a_single_output_has_one_scale_and_the_weight_is_free() -> None:
    target, output = torch.rand(2, 2, 1, 9, 7)
    spatial, frequency = (output - target).abs().mean(), frequency_l1(output, target)
    torch.testing.assert_close(multiscale_loss([output], target), spatial + 0.1 * frequency)
    for weight in (0, 0.7):
        torch.testing.assert_close(
            multiscale_loss([output], target, frequency_weight=weight),
            spatial + weight * frequency,
        )


@pytest.mark.parametrize("scales", [1, 3])
def test_an_unknown_halving_is_refused(scales: int) -> None:
    target = torch.rand(1, 1, 16, 16)
    outputs = target_pyramid(target, scales)
    with pytest.raises(ValueError, match="bilinear, nearest, area"):
        multiscale_loss(outputs, target, downsample="lanczos")  # type: ignore[arg-type]


@pytest.mark.parametrize(("height", "width"), [(16, 32), (22, 17)])
def test_scales_add_up_and_are_bilinear_unless_told_otherwise(height: int, width: int) -> None:
    g = torch.Generator().manual_seed(0)
    target = torch.rand(2, 1, height, width, generator=g)
    sharp = [target]
    for _ in range(2):
        sharp.insert(0, F.interpolate(sharp[0], scale_factor=0.5, mode="bilinear"))
    assert all(map(torch.equal, target_pyramid(target, 3), sharp))
    outputs = [torch.rand(t.shape, generator=g) for t in sharp]
    pairs = zip(outputs, sharp, strict=True)
    scales = [multiscale_loss([output], at_its_size) for output, at_its_size in pairs]
    torch.testing.assert_close(multiscale_loss(outputs, target), sum(scales))


@pytest.mark.parametrize("downsample", ["bilinear", "nearest", "area"])
def test_the_gradient_is_right(downsample: str) -> None:
    g = torch.Generator().manual_seed(0)
    images = [
        torch.rand(2, 1, *size, generator=g, dtype=torch.float64, requires_grad=True)
        for size in ((4, 6), (8, 12), (8, 12))
    ]

    def loss(coarse: Tensor, fine: Tensor, sharp: Tensor) -> Tensor:
        return multiscale_loss([coarse, fine], sharp, downsample=downsample)

    assert torch.autograd.gradcheck(loss, images)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_spectra_have_the_precision_of_the_images_or_float32(
    dtype: torch.dtype, expected: torch.dtype
) -> None:
    # In half precision the sum over these pixels would overflow.
    target = torch.zeros(1, 1, 64, 64, dtype=dtype)
    value = frequency_l1(target + 100, target)
    assert value.dtype == expected
    assert value.item() == pytest.approx(50)
