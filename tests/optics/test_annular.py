from __future__ import annotations

import numpy as np
import pytest

from dgno_core.optics import Seidel, blur_annular, blur_exact
from dgno_core.optics.polar import Form
from support.shared import load_fixture, needs_fixtures

FORMS: list[Form] = ["released", "corrected"]


@needs_fixtures
@pytest.mark.parametrize("lens", ["64_A", "64_B", "64_C", "128_B", "128_C"])
def test_the_released_form_equals_the_reference(lens: str) -> None:
    fixture = load_fixture(f"ring_d{lens}")
    seidel = Seidel(*map(float, fixture["patch_coeffs"]))
    blurred = blur_annular(fixture["img"], seidel, int(fixture["patch_size"]), "released")
    assert np.abs(blurred - fixture["ring_conv_patch8"]).max() < 1e-5


def test_the_corrected_form_converges_to_one_spot_per_pixel() -> None:
    image = np.random.default_rng(0).random((40, 40))
    lens = Seidel(0.4, field_curvature=0.8)
    exact = blur_exact(image, lens)
    errors = [np.abs(blur_annular(image, lens, width) - exact).max() for width in (8, 4, 2)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert errors[2] < 1e-3
    assert np.abs(blur_annular(image, lens, 8, "released") - exact).max() > 5 * errors[0]


@pytest.mark.parametrize("form", FORMS)
def test_one_spot_for_all_needs_no_annuli(form: Form) -> None:
    image = np.zeros((32, 32))
    image[10:20, 12:22] = 1
    exact = blur_exact(image, Seidel(0.6))
    error = np.abs(blur_annular(image, Seidel(0.6), 8, form) - exact).max()
    assert error < 1e-12 if form == "corrected" else error < 0.1


@pytest.mark.parametrize(
    ("lens", "shape", "width", "problem"),
    [
        (Seidel(coma=0.1), (16, 16), 8, "round"),
        (Seidel(0.1), (16, 18), 8, "square"),
        (Seidel(0.1), (15, 15), 8, "even"),
        (Seidel(0.1), (16, 16), 0, "annulus"),
    ],
)
def test_what_annuli_cannot_do_is_refused(
    lens: Seidel, shape: tuple[int, int], width: int, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        blur_annular(np.zeros(shape), lens, width)
