from __future__ import annotations

import numpy as np
import pytest

from dgno_core.optics import (
    RingBlur,
    Seidel,
    blur_exact,
    ring_blur,
    ring_deconvolve,
)
from dgno_core.optics.ring_deconvolution import _penalty_gradient
from support.shared import load_fixture, needs_fixtures

RINGS = ["ring_d64_A", "ring_d64_B", "ring_d64_C", "ring_d128_B", "ring_d128_C"]


def rms(difference: np.ndarray) -> float:
    return float(np.sqrt(np.mean(difference**2)))


def disturbed(image: np.ndarray, seed: int) -> np.ndarray:
    """Change every pixel by about a millionth."""
    noise = np.random.default_rng(seed).standard_normal(image.shape)
    return np.asarray(image * (1 + 1e-6 * noise), image.dtype)


@pytest.fixture(scope="module", params=RINGS)
def reference(request: pytest.FixtureRequest) -> tuple[dict[str, np.ndarray], RingBlur]:
    fixture = load_fixture(request.param)
    lens = Seidel(*map(float, fixture["coeffs"]))
    return fixture, ring_blur(lens, int(fixture["dim"]), "released")


@needs_fixtures
@pytest.mark.parametrize(
    ("key", "measured"),
    [
        ("ring_deconv_full_it20", "full"),
        ("ring_deconv_ringmeas_it20", "ring_conv"),
        ("ring_deconv_full_it100", "full"),
    ],
)
def test_the_released_form_equals_the_reference(
    reference: tuple[dict[str, np.ndarray], RingBlur], key: str, measured: str
) -> None:
    fixture, blur = reference
    image = fixture[measured]
    iterations = 100 if key.endswith("100") else 20
    ours = ring_deconvolve(image, blur, iterations=iterations)
    difference = ours - fixture[key]
    # Where there is light, the reference is met: measurements that differ by 1e-6 move these pixels
    # by up to 4e-5 in 20 steps, and 7e-5 in 100.
    lit = fixture[key] > 0.02
    assert np.abs(difference[lit]).max() < (3e-4 if iterations == 100 else 1e-4)
    # A step of Adam is as long for a vanishing gradient as for a large one, so in the dark,
    # rounding decides where some pixels go, and each processor decides otherwise. How far that is,
    # rounding itself tells: single precision is good for 1e-6 of a transform's largest value. Here
    # that is put in once, in a computation at each of 20 steps and more.
    moved = max(
        rms(ring_deconvolve(disturbed(image, seed), blur, iterations=iterations) - ours)
        for seed in range(2)
    )
    assert rms(difference) < min(20 * moved, 1e-3)


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray, RingBlur]:
    """A sharp image, its exact blur, and the corrected model of the lens."""
    lens = Seidel(0.4, 0.5, 0.4, 0.4)
    sharp = np.zeros((40, 40), dtype=np.float32)
    sharp[6:14, 20:30] = 0.8
    sharp[24:34, 0:7] = 0.5  # touches the frame
    sharp[22, 20:35] = 1
    return sharp, blur_exact(sharp, lens).astype(np.float32), ring_blur(lens, 40)


def test_the_corrected_form_restores_what_the_exact_model_blurred(
    scene: tuple[np.ndarray, np.ndarray, RingBlur],
) -> None:
    sharp, blurred, blur = scene
    assert rms(ring_deconvolve(blurred, blur) - sharp) < 0.4 * rms(blurred - sharp)


def test_the_corrected_form_keeps_the_units(
    scene: tuple[np.ndarray, np.ndarray, RingBlur],
) -> None:
    _, blurred, blur = scene
    one = ring_deconvolve(blurred, blur, iterations=15)
    many = ring_deconvolve(4096 * blurred, blur, iterations=15)  # a power of 2: no rounding
    np.testing.assert_array_equal(many, 4096 * one)


def test_the_image_is_left_alone_and_the_result_is_light(
    scene: tuple[np.ndarray, np.ndarray, RingBlur],
) -> None:
    _, blurred, blur = scene
    before = blurred.copy()
    restored = ring_deconvolve(blurred, blur, iterations=5, upper=0.5)
    np.testing.assert_array_equal(blurred, before)
    assert restored.min() >= 0
    assert restored.max() <= 0.5 * blurred.max() * (1 + 1e-6)


def test_darkness_stays_dark(scene: tuple[np.ndarray, np.ndarray, RingBlur]) -> None:
    assert not ring_deconvolve(np.zeros((40, 40)), scene[2], iterations=3).any()


def test_the_penalties_pull_where_their_formula_says() -> None:
    def penalty(x: np.ndarray) -> float:
        steps = sum(np.abs(np.diff(x, axis=axis)).sum() for axis in (0, 1))
        return float(0.3 * steps + 0.7 * np.linalg.norm(x) + 0.2 * np.abs(x).sum())

    x = np.random.default_rng(0).random((5, 6))
    gradient = _penalty_gradient(x, 0.3, 0.7, 0.2)
    for place in np.ndindex(x.shape):
        nudge = np.zeros_like(x)
        nudge[place] = 1e-6
        slope = (penalty(x + nudge) - penalty(x - nudge)) / 2e-6
        assert gradient[place] == pytest.approx(slope, abs=1e-6)
