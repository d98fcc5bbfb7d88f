from __future__ import annotations

import numpy as np
import pytest

from dgno_core.optics import RingBlur, Seidel, blur_exact, ring_blur
from dgno_core.optics.ring import Form, polar_grid, ring_spectrum
from support.shared import load_fixture, needs_fixtures

LENS = Seidel(0.4, 0.6, 0.5, 0.8)
RINGS = ["ring_d64_A", "ring_d64_B", "ring_d64_C", "ring_d128_B", "ring_d128_C"]


def fidelity(image: np.ndarray, reference: np.ndarray) -> float:
    """PSNR in dB for images of range 1."""
    return float(-10 * np.log10(np.mean((image - reference) ** 2)))


def lens_of(fixture: dict[str, np.ndarray], key: str = "coeffs") -> Seidel:
    return Seidel(*map(float, fixture[key]))


@needs_fixtures
@pytest.mark.parametrize("name", RINGS)
def test_the_released_form_equals_the_reference(name: str) -> None:
    fixture = load_fixture(name)
    side = int(fixture["dim"])
    blur = ring_blur(lens_of(fixture), side, "released")
    assert np.abs(blur.convolve(fixture["img"]) - fixture["ring_conv"]).max() < 1e-5
    ones = np.ones((side, side))
    assert np.abs(blur.convolve(ones) - fixture["ring_conv_ones"]).max() < 1e-5
    round_spots = ring_blur(lens_of(fixture, "patch_coeffs"), side, "released")
    expected = fixture["ring_conv_patchcoeffs_full_rings"]
    assert np.abs(round_spots.convolve(fixture["img"]) - expected).max() < 1e-5


@needs_fixtures
@pytest.mark.parametrize("name", RINGS)
def test_the_spectrum_of_a_ring_equals_the_reference_and_is_real(name: str) -> None:
    fixture = load_fixture(name)
    side, ring = int(fixture["dim"]), int(fixture["roft_ring_index"])
    grid = polar_grid(side, "released", dtype=np.float64)
    ours = ring_spectrum(lens_of(fixture), side, grid, ring)
    real, imaginary = np.split(fixture["roft_ring"], 2)
    assert np.abs(ours - real).max() < 1e-5
    assert np.abs(imaginary).max() < 1e-5  # which is why it may be left out


@needs_fixtures
@pytest.mark.parametrize("name", RINGS)
def test_the_corrected_form_is_closer_to_the_exact_model(name: str) -> None:
    fixture = load_fixture(name)
    side, image, exact = int(fixture["dim"]), fixture["img"], fixture["full"]
    released = ring_blur(lens_of(fixture), side, "released").convolve(image)
    corrected = ring_blur(lens_of(fixture), side).convolve(image)
    assert fidelity(corrected, exact) > 59
    assert fidelity(released, exact) < 45


def soft_spots(side: int, seed: int) -> np.ndarray:
    """Blobs anywhere, also across the border."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    spots = [
        np.exp(-((y - rng.uniform(0, side)) ** 2 + (x - rng.uniform(0, side)) ** 2) / 8)
        for _ in range(12)
    ]
    return np.clip(np.sum(spots, axis=0), 0, 1)


@pytest.mark.parametrize("lens", [Seidel(0.6), LENS, Seidel(0.3, 0.5, 0.4, 0.5, 0.3, 0.4)])
def test_the_corrected_form_equals_one_spot_per_pixel_up_to_the_border(lens: Seidel) -> None:
    image = soft_spots(48, seed=2)
    exact = blur_exact(image, lens)
    ours = ring_blur(lens, 48).convolve(image)
    released = ring_blur(lens, 48, "released").convolve(image)
    assert fidelity(ours, exact) > 54
    assert fidelity(ours, exact) > fidelity(released, exact) + 15
    border = np.ones(image.shape, dtype=bool)
    border[2:-2, 2:-2] = False
    assert fidelity(ours[border], exact[border]) > 50


def test_a_soft_spot_on_the_axis_keeps_its_light() -> None:
    y, x = np.mgrid[:48, :48] - 24
    image = np.exp(-(y**2 + x**2) / 4)
    exact = blur_exact(image, LENS)
    assert np.abs(ring_blur(LENS, 48).convolve(image) - exact).max() < 0.01 * exact.max()


@pytest.fixture(params=["released", "corrected"])
def blur(request: pytest.FixtureRequest) -> RingBlur:
    form: Form = request.param
    return ring_blur(LENS, 32, form, dtype=np.float64)


def test_the_adjoint_is_the_transpose(blur: RingBlur) -> None:
    rng = np.random.default_rng(0)
    for _ in range(3):
        x, y = rng.standard_normal((2, 32, 32))
        assert np.vdot(blur.convolve(x), y) == pytest.approx(np.vdot(x, blur.adjoint(y)), rel=1e-11)


def test_the_blur_is_linear(blur: RingBlur) -> None:
    x, y = np.random.default_rng(1).random((2, 32, 32))
    expected = 2 * blur.convolve(x) - 3 * blur.convolve(y)
    np.testing.assert_allclose(blur.convolve(2 * x - 3 * y), expected, atol=1e-12)


def test_turning_the_object_turns_its_image() -> None:
    blur = ring_blur(LENS, 32, dtype=np.float64)
    image = np.zeros((32, 32))
    image[1:, 1:] = soft_spots(31, seed=3)  # pixel (N/2, N/2) is the middle of the rest
    image[[1, -1]] = image[:, [1, -1]] = 0
    turned = np.zeros((32, 32))
    turned[1:, 1:] = np.rot90(image[1:, 1:])
    expected = np.rot90(blur.convolve(image)[1:, 1:])
    np.testing.assert_allclose(blur.convolve(turned)[1:, 1:], expected, atol=1e-12)


def test_an_image_of_another_size_is_refused(blur: RingBlur) -> None:
    with pytest.raises(ValueError, match="32 x 32"):
        blur.convolve(np.zeros((32, 30)))
