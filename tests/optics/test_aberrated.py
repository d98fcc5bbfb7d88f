from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dgno_core.optics.aberrated import Aberrations, ray_kernels
from dgno_core.optics.interpolated import blur_interpolated, kernel_bank

RADIUS = 26
AXIS = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
WIDTHS = torch.tensor([0.0, 2.0, 5.0, 8.0], dtype=torch.float64)
share = st.floats(-0.25, 0.25)


def moments(kernel: Tensor) -> tuple[float, float, float, float]:
    """Mean row and column, variance along rows and along columns."""
    rows, columns = kernel.sum(1), kernel.sum(0)
    y, x = float(rows @ AXIS), float(columns @ AXIS)
    return y, x, float(rows @ (AXIS - y) ** 2), float(columns @ (AXIS - x) ** 2)


@given(share, share, share, st.floats(-math.pi, math.pi))
def test_light_is_kept_centred_and_at_its_place(coma, astigmatism, spherical, direction) -> None:
    kernels = ray_kernels(WIDTHS, Aberrations(coma, astigmatism, spherical, direction), RADIUS)
    assert (kernels >= 0).all()
    torch.testing.assert_close(kernels.sum((1, 2)), torch.ones_like(WIDTHS))
    for kernel in kernels:
        assert moments(kernel)[:2] == pytest.approx((0, 0), abs=1e-6)
    assert kernels[0, RADIUS, RADIUS] == pytest.approx(1)


def test_without_aberrations_it_is_the_disk() -> None:
    rays, disk = (
        ray_kernels(WIDTHS, Aberrations(), RADIUS),
        kernel_bank(WIDTHS, "disk", RADIUS),
    )
    for ray, flat, width in zip(rays[1:], disk[1:], WIDTHS[1:], strict=True):
        assert float((ray - flat).abs().sum()) < 0.12
        # The variance of a disk along one axis is a quarter of its squared radius; sharing a ray
        # between pixels adds at most a quarter.
        assert moments(ray)[2] == pytest.approx(float(width) ** 2 / 4, abs=0.3)


def test_astigmatism_stretches_along_its_direction() -> None:
    _, _, down, right = moments(ray_kernels(WIDTHS, Aberrations(0, 0.25, 0, 0), RADIUS)[3])
    assert right / down == pytest.approx(1.25**2, rel=0.02)
    _, _, down, right = moments(
        ray_kernels(WIDTHS, Aberrations(0, 0.25, 0, math.pi / 2), RADIUS)[3]
    )
    assert down / right == pytest.approx(1.25**2, rel=0.02)


def test_coma_is_lopsided_and_spherical_aberration_widens() -> None:
    coma = ray_kernels(WIDTHS, Aberrations(0.25), RADIUS)[3]
    assert abs(float(coma.sum(0) @ AXIS**3)) > 10
    plain = moments(ray_kernels(WIDTHS, Aberrations(), RADIUS)[3])[2]
    assert moments(ray_kernels(WIDTHS, Aberrations(0, 0, 0.25), RADIUS)[3])[2] > 1.3 * plain


def test_it_blurs_as_a_shape_of_its_own() -> None:
    image = torch.zeros(1, 20 + 2 * RADIUS, 20 + 2 * RADIUS, dtype=torch.float64)
    image[0, 10 + RADIUS, 10 + RADIUS] = 1
    aberrations = Aberrations(0.2, 0.1, 0, 1)
    width = torch.full((20, 20), 4.0, dtype=torch.float64)
    blurred = blur_interpolated(
        image, width, lambda widths, radius: ray_kernels(widths, aberrations, radius), radius=RADIUS
    )
    kernel = ray_kernels(width[0, :1], aberrations, RADIUS)[0]
    torch.testing.assert_close(
        blurred[0, 3:18, 3:18], kernel[RADIUS - 7 : RADIUS + 8, RADIUS - 7 : RADIUS + 8]
    )
