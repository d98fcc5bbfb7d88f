from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import convolve2d

from dgno_core.optics import Seidel, blur_exact, seidel_psf
from dgno_core.optics.seidel import move
from support.shared import load_fixture, needs_fixtures

LENS = Seidel(0.3, 0.5, 0.4, 0.5, 0.3, 0.4)
SLOW = [pytest.param(f"ring_d128_{lens}", marks=pytest.mark.slow) for lens in "BC"]


@needs_fixtures
@pytest.mark.parametrize("name", [*(f"ring_d64_{lens}" for lens in "ABC"), *SLOW])
def test_equals_the_reference(name: str) -> None:
    fixture = load_fixture(name)
    lens = Seidel(*map(float, fixture["coeffs"]))
    assert np.abs(blur_exact(fixture["img"], lens) - fixture["full"]).max() < 1e-5


def test_a_point_becomes_its_own_spot_in_its_own_place() -> None:
    image = np.zeros((24, 24))
    image[5, 20] = 3  # 8 px to the right of the axis and 7 above it
    spot = move(seidel_psf(LENS, 24, 8, 7), -7, 8)
    np.testing.assert_allclose(blur_exact(image, LENS), 3 * spot, atol=1e-14)


def test_several_images_are_blurred_one_by_one() -> None:
    images = np.random.default_rng(0).random((3, 16, 16))
    images[1, 4] = 0
    together = blur_exact(images, LENS)
    for image, blurred in zip(images, together, strict=True):
        np.testing.assert_allclose(blurred, blur_exact(image, LENS), atol=1e-14)


def test_with_spherical_aberration_alone_all_spots_are_one() -> None:
    image = np.random.default_rng(1).random((20, 20))
    lens = Seidel(0.6)
    # The frame of 20 px cuts a spot at 10 px, wherever it lies.
    convolved = convolve2d(image, seidel_psf(lens, 20))[10:30, 10:30]
    np.testing.assert_allclose(convolved, blur_exact(image, lens), atol=1e-12)


@pytest.mark.parametrize("shape", [(16, 18), (16,), (15, 15)])
def test_a_frame_that_is_not_square_and_even_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="square"):
        blur_exact(np.ones(shape), LENS)
