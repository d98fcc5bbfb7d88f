from __future__ import annotations

import numpy as np
import pytest
from scipy.special import jn_zeros

from dgno_core.optics import airy_intensity, airy_psf


def test_the_first_rings_are_dark_where_airy_said() -> None:
    dark = jn_zeros(1, 3) / (2 * np.pi * 0.5)  # in wavelengths, for an aperture of 0.5
    assert dark[0] == pytest.approx(0.61 / 0.5, rel=1e-3)
    values = airy_intensity([0, *dark], 1, 0.5)
    np.testing.assert_allclose(values, [1, 0, 0, 0], atol=1e-12)


def test_on_the_axis_the_light_fades_as_sinc_squared() -> None:
    # Paraxial: |sin(p / 2) / (p / 2)|^2 with p = pi z NA^2 / (n lambda).
    distances = np.linspace(0, 3000, 13)
    values = [airy_intensity(0, 1, 0.04, defocus=z, index=1.33) for z in distances]
    phase = np.pi * distances * 0.04**2 / 1.33
    np.testing.assert_allclose(values, np.sinc(phase / 2 / np.pi) ** 2, atol=2e-3)


@pytest.mark.parametrize("defocus", [0.0, 3.0, -3.0])
def test_equals_a_sum_over_the_pupil(defocus: float) -> None:
    # The two-dimensional integral that the radial one stands for, on a fine grid of plane waves.
    aperture, index, radius = 0.6, 1.33, np.array([0.0, 0.3, 0.9, 2.0])
    axis = (np.arange(600) + 0.5) / 300 - 1
    x, y = np.meshgrid(axis, axis)
    inside = x**2 + y**2 < 1
    x, rho2 = x[inside], (x**2 + y**2)[inside]
    path = 2 * np.pi * defocus * np.sqrt(index**2 - aperture**2 * rho2)
    waves = [np.exp(1j * (path + 2 * np.pi * aperture * r * x)).mean() for r in radius]
    ours = airy_intensity(radius, 1, aperture, defocus=defocus, index=index)
    np.testing.assert_allclose(ours, np.abs(waves) ** 2, atol=1e-3)


@pytest.mark.parametrize("defocus", [0, 2.5, 6])
@pytest.mark.parametrize("pixel", [0.1, 0.32, 0.65])
def test_a_kernel_is_normalised_odd_and_symmetric(defocus: float, pixel: float) -> None:
    kernel = airy_psf(0.52, 0.45, pixel, defocus=defocus)
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    assert kernel.shape[0] == kernel.shape[1]
    assert kernel.shape[0] % 2 == 1
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-15)
    np.testing.assert_allclose(kernel, kernel[::-1], atol=1e-15)


def test_coarse_pixels_collect_what_fine_ones_would() -> None:
    fine = airy_psf(0.5, 0.4, 0.1, defocus=2, reach=37)
    coarse = airy_psf(0.5, 0.4, 0.5, defocus=2, reach=7)
    binned = fine.reshape(15, 5, 15, 5).sum(axis=(1, 3))
    np.testing.assert_allclose(coarse, binned, atol=1e-6)


def test_far_from_focus_it_is_as_wide_as_the_cone_of_rays() -> None:
    pixel, defocus, aperture = 0.25, 20.0, 0.5
    kernel = airy_psf(0.5, aperture, pixel, defocus=defocus)
    radius = defocus * aperture / np.sqrt(1 - aperture**2) / pixel
    y, x = np.mgrid[: kernel.shape[0], : kernel.shape[1]] - kernel.shape[0] // 2
    within = kernel[np.hypot(y, x) <= radius].sum()
    assert 0.93 < within < 1
    # The paraxial even disk has half of its light within radius / sqrt 2; high rays go wider.
    half = kernel[np.hypot(y, x) <= radius / np.sqrt(2)].sum()
    assert 0.4 < half < 0.65


def test_the_width_grows_smoothly() -> None:
    changes = [
        np.abs(
            airy_psf(0.5, 0.4, 0.3, defocus=z + 0.02, reach=15)
            - airy_psf(0.5, 0.4, 0.3, defocus=z, reach=15)
        ).sum()
        for z in (1.0, 2.0, 3.0)
    ]
    assert 0 < min(changes) <= max(changes) < 0.03


@pytest.mark.parametrize(
    ("wavelength", "aperture", "pixel"), [(0, 0.5, 1), (0.5, 1.0, 1), (0.5, 0, 1), (0.5, 0.5, 0)]
)
def test_a_lens_that_cannot_be_is_refused(wavelength: float, aperture: float, pixel: float) -> None:
    with pytest.raises(ValueError, match=r"above 0"):
        airy_psf(wavelength, aperture, pixel)
