from __future__ import annotations

import numpy as np
import pytest

from dgno_core.optics import (
    airy_psf,
    blur_piecewise,
    blur_varying,
    disk_psf,
    gaussian_psf,
    region_map,
)


@pytest.mark.parametrize(("kind", "psf"), [("gauss", gaussian_psf), ("disk", disk_psf)])
@pytest.mark.parametrize("shape", [(24, 30), (24, 30, 3)])
def test_equals_the_exact_blur(kind: str, psf: object, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    image, widths = rng.random(shape), region_map((24, 30), (0.6, 4), rng, sites=5)
    expected = blur_varying(image, widths, kind)  # type: ignore[arg-type]
    np.testing.assert_allclose(blur_piecewise(image, widths, psf), expected, atol=1e-13)  # type: ignore[arg-type]


def test_any_kernel_will_do_such_as_an_airy_pattern_out_of_focus() -> None:
    depth = np.zeros((30, 30))
    depth[:, 15:] = 3

    def psf(z: float) -> np.ndarray:
        return airy_psf(0.5, 0.5, 0.3, defocus=z, reach=9)

    points = np.zeros((30, 30))
    points[9, 9] = points[20, 20] = 1
    blurred = blur_piecewise(points, depth, psf)
    np.testing.assert_allclose(blurred[:18, :15], np.pad(psf(0), 1)[1:19, 1:16], atol=1e-3)
    assert blurred[20, 20] == pytest.approx(psf(3)[9, 9], rel=0.05)
    assert blurred[9, 9] > 3 * blurred[20, 20]


def test_a_map_that_is_not_in_pieces_or_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="400 different"):
        blur_piecewise(np.zeros((20, 20)), np.arange(400).reshape(20, 20), gaussian_psf)
    with pytest.raises(ValueError, match="as large as"):
        blur_piecewise(np.zeros((20, 20)), np.ones((20, 19)), gaussian_psf)
    with pytest.raises(ValueError, match="odd sides"):
        blur_piecewise(np.zeros((9, 9)), np.ones((9, 9)), lambda _: np.full((2, 2), 0.25))
