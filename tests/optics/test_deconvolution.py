from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dgno_core.optics import (
    blur_varying,
    focal_stack,
    gaussian_psf,
    richardson_lucy,
    wiener,
)

PSF = gaussian_psf(2.0)
Restore = Callable[..., NDArray[np.float64]]


@pytest.fixture
def sharp() -> NDArray[np.float64]:
    return focal_stack((1, 72, 88), seed=4).sharp.astype(np.float64)


def rms(difference: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(difference**2)))


@pytest.mark.parametrize("restore", [wiener, richardson_lucy])
def test_restores_a_known_blur(restore: Restore, sharp: NDArray[np.float64]) -> None:
    blurred = blur_varying(sharp, 2.0)
    assert rms(restore(blurred, PSF) - sharp) < 0.9 * rms(blurred - sharp)


@pytest.mark.parametrize("restore", [wiener, richardson_lucy])
def test_the_border_is_as_good_as_the_middle(restore: Restore, sharp: NDArray[np.float64]) -> None:
    blurred = blur_varying(sharp, 2.0)
    restored = restore(blurred, PSF)
    border = np.ones(sharp.shape, dtype=bool)
    border[8:-8, 8:-8] = False
    # A wrapped or dark surrounding makes the border several times worse than the input.
    assert rms((restored - sharp)[border]) < 1.05 * rms((blurred - sharp)[border])


@pytest.mark.parametrize("restore", [wiener, richardson_lucy])
@pytest.mark.parametrize("level", [0.0, 250.0])
def test_a_constant_image_stays_constant(restore: Restore, level: float) -> None:
    restored = restore(np.full((24, 30), level), PSF)
    np.testing.assert_allclose(restored, level, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("restore", [wiener, richardson_lucy])
def test_the_intensity_scale_does_not_matter(restore: Restore, sharp: NDArray[np.float64]) -> None:
    one, thousand = restore(sharp, PSF), restore(sharp * 1000, PSF)
    np.testing.assert_allclose(thousand, one * 1000, rtol=1e-6)


@pytest.mark.parametrize("restore", [wiener, richardson_lucy])
def test_colours_are_restored_one_by_one(restore: Restore, sharp: NDArray[np.float64]) -> None:
    colour = np.stack([sharp, sharp[::-1], sharp[:, ::-1]], axis=-1)
    restored = restore(colour, PSF)
    np.testing.assert_array_equal(restored[..., 1], restore(sharp[::-1], PSF))


def test_richardson_lucy_keeps_light_positive_and_bears_negative_pixels() -> None:
    image = np.random.default_rng(0).normal(0.05, 0.1, (20, 20))
    restored = richardson_lucy(image, PSF)
    assert np.isfinite(restored).all()
    assert restored.min() >= 0


def test_a_kernel_without_a_centre_is_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        wiener(np.zeros((8, 8)), np.full((4, 4), 1 / 16))
