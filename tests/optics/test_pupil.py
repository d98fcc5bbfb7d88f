from __future__ import annotations

import numpy as np
import pytest
from scipy.special import j1

from dgno_core.optics import pupil_psf
from support.airy import airy_intensity
from support.ledger import every_array_of
from support.shared import needs_fixtures

LENS = {"na": 0.45, "wavelength_um": 0.46, "pixel_um": 0.645}


def rms_radius(psf: np.ndarray) -> float:
    """Root mean square distance from the centre along one axis, in pixels."""
    y, x = np.indices(psf.shape)
    distance2 = (y - psf.shape[0] // 2) ** 2 + (x - psf.shape[1] // 2) ** 2
    return float(np.sqrt((psf * distance2).sum() / psf.sum() / 2))


@needs_fixtures
def test_the_fixture() -> None:
    with every_array_of("pupil_psf") as arrays:
        for number, (defocus, na, spherical) in enumerate(np.asarray(arrays["cases"])):
            psf = pupil_psf(
                (191, 191),
                defocus_um=defocus,
                na=na,
                wavelength_um=0.46,
                pixel_um=0.645,
                spherical=spherical,
            )
            arrays.agree(f"psf_{number}", psf, atol=1e-6)
        arrays.agree("cases", np.asarray(arrays["cases"]))


def test_the_radial_integral_in_focus_is_airys_pattern() -> None:
    distance = np.linspace(0.01, 8, 200)
    v = 2 * np.pi * LENS["na"] / LENS["wavelength_um"] * distance
    np.testing.assert_allclose(
        airy_intensity(distance, LENS["wavelength_um"], LENS["na"]),
        (2 * j1(v) / v) ** 2,
        atol=1e-12,
    )


@pytest.mark.parametrize(("defocus", "index"), [(0, 1), (6, 1), (-9, 1.33)])
def test_without_aberrations_it_is_the_airy_pattern(defocus: float, index: float) -> None:
    points, shares = np.polynomial.legendre.leggauss(6)  # within each pixel
    axis = LENS["pixel_um"] * (np.arange(-25, 26)[:, None] + points / 2)
    distance = np.hypot(axis.ravel()[:, None], axis.ravel()).reshape(51, 6, 51, 6)
    pixels, inverse = np.unique(distance.round(9), return_inverse=True)
    light = airy_intensity(pixels, 0.46, 0.45, defocus=defocus, index=index)
    light = light[inverse].reshape(distance.shape)
    expected = np.einsum("yixj,i,j->yx", light, shares, shares)
    expected /= expected.sum()
    # The edge of the pupil cuts through the squares of the frequency grid: a hundredth of the peak.
    psf = pupil_psf((51, 51), defocus_um=defocus, index=index, **LENS)
    np.testing.assert_allclose(psf, expected, atol=0.02 * expected.max())


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (31, 40), (64, 63)])
def test_it_sums_to_one_about_the_middle_pixel(shape: tuple[int, int]) -> None:
    psf = pupil_psf(shape, defocus_um=0, **LENS)
    assert psf.shape == shape
    assert psf.sum() == pytest.approx(1, abs=1e-12)
    assert psf.min() >= 0
    assert np.unravel_index(psf.argmax(), shape) == (shape[0] // 2, shape[1] // 2)


def test_a_smaller_window_is_cut_out_of_a_larger_one() -> None:
    small = pupil_psf((15, 21), defocus_um=20, **LENS)
    large = pupil_psf((191, 191), defocus_um=20, **LENS)
    middle = large[95 - 7 : 95 + 8, 95 - 10 : 95 + 11]
    middle = middle / middle.sum()
    np.testing.assert_allclose(small, middle, atol=0.02 * middle.max())


@pytest.mark.parametrize("defocus", [28.0, -56.0])
def test_far_out_it_is_the_geometric_disk(defocus: float) -> None:
    radius = abs(defocus) * np.tan(np.arcsin(0.45)) / 0.645
    psf = pupil_psf((257, 257), defocus_um=defocus, **LENS)
    assert rms_radius(psf) == pytest.approx(radius / 2, rel=0.05)
    y, x = np.indices(psf.shape) - 128
    assert psf[np.hypot(y, x) <= radius + 1].sum() > 0.95


def test_light_moves_to_the_other_side_of_focus_with_the_sign_of_the_aberration() -> None:
    before, after = (
        pupil_psf((65, 65), defocus_um=z, spherical=w, **LENS) for z, w in [(8, 0.4), (-8, -0.4)]
    )
    other = pupil_psf((65, 65), defocus_um=-8, spherical=0.4, **LENS)
    np.testing.assert_allclose(before, after, atol=1e-12)
    assert np.abs(before - other).max() > 0.1 * before.max()


@pytest.mark.parametrize(("axis", "coma"), [(0, (0.3, 0.0)), (1, (0.0, 0.3))])
def test_coma_is_a_tail_along_its_axis(axis: int, coma: tuple[float, float]) -> None:
    psf = pupil_psf((65, 65), defocus_um=0, coma=coma, **LENS | {"pixel_um": 0.2})
    mirrored = np.flip(psf, axis)
    assert np.abs(psf - mirrored).max() > 0.05 * psf.max()
    np.testing.assert_allclose(psf, np.flip(psf, 1 - axis), atol=1e-12)


def test_astigmatism_stretches_along_one_axis_before_and_the_other_behind_focus() -> None:
    def spread(defocus: float) -> float:
        fine = LENS | {"pixel_um": 0.3}
        psf = pupil_psf((97, 97), defocus_um=defocus, astigmatism=(0.4, 0.0), **fine)
        y, x = np.indices(psf.shape) - 48
        near = np.hypot(y, x) < 24
        return float((psf * (x**2 - y**2))[near].sum())

    assert spread(6) * spread(-6) < 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"na": 1.0},
        {"na": 0},
        {"wavelength_um": 0},
        {"pixel_um": -1},
        {"defocus_um": float("nan")},
        {"spherical": float("inf")},
    ],
)
def test_an_impossible_lens_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"lens|aperture"):
        pupil_psf((9, 9), **{"defocus_um": 1.0, **LENS, **wrong})
