from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import shift

from dgno_core.optics import Seidel, pupil_extent, seidel_psf
from dgno_core.optics.seidel import move
from support.airy import airy_intensity
from support.shared import load_fixture, needs_fixtures

LENS = Seidel(0.3, 0.5, 0.4, 0.5, 0.3, 0.4)
RINGS = ["ring_d64_A", "ring_d64_B", "ring_d64_C", "ring_d128_B", "ring_d128_C"]


@needs_fixtures
@pytest.mark.parametrize("name", RINGS)
def test_equals_the_reference_spots(name: str) -> None:
    fixture = load_fixture(name)
    side = int(fixture["dim"])
    lens = Seidel(*map(float, fixture["coeffs"]))
    assert np.abs(seidel_psf(lens, side) - fixture["psf_center"]).max() < 1e-6
    x, y = fixture["psf_points_xy"].T
    spots = seidel_psf(lens, side, x, y)
    middle = slice(side // 2 - 16, side // 2 + 16)
    assert np.abs(spots[:, middle, middle] - fixture["psf_at_points_unshifted"]).max() < 1e-6
    placed = [move(spot, -b, a) for spot, a, b in zip(spots, x, y, strict=True)]
    assert np.abs(placed - fixture["psf_at_points"]).max() < 1e-6


def test_every_spot_holds_all_of_its_light() -> None:
    x, y = np.mgrid[-20:21:10, -20:21:10]
    spots = seidel_psf(LENS, 40, x, y)
    assert spots.shape == (5, 5, 40, 40)
    np.testing.assert_allclose(spots.sum((-2, -1)), 1, rtol=1e-12)


def test_the_lens_is_the_same_all_around() -> None:
    # A quarter turn about pixel (N/2, N/2): x to the right becomes y up.
    right, up = seidel_psf(LENS, 32, 9, 0), seidel_psf(LENS, 32, 0, 9)
    np.testing.assert_allclose(up[1:, 1:], np.rot90(right[1:, 1:]), atol=1e-12)
    above, below = seidel_psf(LENS, 32, 7, 5), seidel_psf(LENS, 32, 7, -5)
    np.testing.assert_allclose(below[1:, 1:], above[:0:-1, 1:], atol=1e-12)


def test_coma_points_away_from_or_to_the_axis_along_the_radius() -> None:
    spot = seidel_psf(Seidel(coma=0.8), 64, 24, 0)
    offsets = np.arange(64) - 32
    assert abs((spot.sum(axis=1) * offsets).sum()) < 0.05  # even across the radius
    assert abs((spot.sum(axis=0) * offsets).sum()) > 0.5  # a tail along it


@pytest.mark.parametrize("pixel", [1.0, 0.6])
def test_defocus_is_that_of_the_airy_pattern(pixel: float) -> None:
    # Two independent forms of diffraction: pupil grid and Fourier transform, and a radial integral.
    side, aperture, waves = 256, 0.05, 0.7
    nyquist = 1 / (4 * aperture)  # for a wavelength of 1
    extent = pupil_extent(1, aperture, pixel * nyquist)
    spot = seidel_psf(Seidel(defocus=waves), side, extent=extent)
    step = pixel * nyquist * (side - 1) / side  # both ends of the pupil's grid are included
    radius = step * np.arange(12)
    distance = waves * 2 / aperture**2  # paraxial: waves = z NA^2 / 2 lambda
    pattern = airy_intensity(radius, 1, aperture, defocus=distance)
    line = spot[side // 2, side // 2 : side // 2 + 12]
    # The staircase of the pupil's edge on the grid limits the agreement.
    np.testing.assert_allclose(line / line.sum(), pattern / pattern.sum(), atol=2.5e-3)


@pytest.mark.parametrize(("side", "extent"), [(33, 2.0), (0, 2.0), (32, 1.5)])
def test_a_frame_that_cannot_be_is_refused(side: int, extent: float) -> None:
    with pytest.raises(ValueError, match=r"even side|too large to sample"):
        seidel_psf(LENS, side, extent=extent)


def test_moving_by_whole_pixels_loses_what_leaves() -> None:
    image = np.arange(20.0).reshape(4, 5)
    expected = np.zeros((4, 5))
    expected[2:, :-1] = image[:2, 1:]
    np.testing.assert_array_equal(move(image, 2, -1), expected)
    assert not move(image, 9, 0).any()
    assert not move(image, 0, -5).any()


@pytest.mark.parametrize(("down", "right"), [(0.5, 0.5), (-3.5, 2.0), (1.25, -7.75)])
def test_moving_linearly_is_the_released_interpolation(down: float, right: float) -> None:
    image = np.random.default_rng(0).random((12, 14))
    expected = shift(image, (down, right), order=1, mode="grid-constant")
    np.testing.assert_allclose(move(image, down, right, exact=False), expected, atol=1e-14)


def test_moving_exactly_does_not_blur() -> None:
    spot = seidel_psf(Seidel(0.4), 48)
    there = move(spot, 0.5, 0.5)
    np.testing.assert_allclose(move(there, -0.5, -0.5)[:-1, :-1], spot[:-1, :-1], atol=1e-5)
    assert np.sum(there**2) == pytest.approx(np.sum(spot**2), rel=1e-6)
    assert np.sum(move(spot, 0.5, 0.5, exact=False) ** 2) < 0.95 * np.sum(spot**2)


def test_a_margin_keeps_what_would_leave() -> None:
    image = np.eye(6)
    moved = move(image, 2, 1, margin=3)
    assert moved.shape == (12, 12)
    np.testing.assert_array_equal(moved[5:11, 4:10], image)
    assert moved.sum() == image.sum()
