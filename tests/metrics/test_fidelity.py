from __future__ import annotations

from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.metrics import psnr, scale_by_reference, score_pair, ssim
from support.ledger import every_array_of
from support.shared import needs_fixtures

Floats = NDArray[np.float64]


def ssim_by_loops(a: Floats, b: Floats) -> float:
    """Apply the formula window by window: 7 x 7, sample covariance, data range 1."""
    c1, c2, values = 0.01**2, 0.03**2, []
    for y in range(a.shape[0] - 6):
        for x in range(a.shape[1] - 6):
            p, q = a[y : y + 7, x : x + 7].ravel(), b[y : y + 7, x : x + 7].ravel()
            covariance = np.cov(p, q, ddof=1)
            luminance = (2 * p.mean() * q.mean() + c1) / (p.mean() ** 2 + q.mean() ** 2 + c1)
            contrast = (2 * covariance[0, 1] + c2) / (covariance[0, 0] + covariance[1, 1] + c2)
            values.append(luminance * contrast)
    return float(np.mean(values))


@pytest.fixture
def pair() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    sharp = rng.random((20, 24))
    sharp[0, 0], sharp[0, 1] = 0, 1  # the range is exactly 1
    return sharp, sharp + 0.1 * rng.standard_normal(sharp.shape)


def test_psnr_is_its_formula(pair: tuple[Floats, Floats]) -> None:
    sharp, noisy = pair
    error = sum((a - b) ** 2 for a, b in zip(sharp.flat, noisy.flat, strict=True)) / sharp.size
    assert psnr(sharp, noisy) == pytest.approx(-10 * np.log10(error), abs=1e-10)
    assert psnr(sharp, noisy, data_range=2.0) == pytest.approx(10 * np.log10(4 / error), abs=1e-10)


def test_ssim_is_its_formula(pair: tuple[Floats, Floats]) -> None:
    assert ssim(*pair) == pytest.approx(ssim_by_loops(*pair), abs=1e-10)


def ssim_with_clamped_contrast(a: Floats, b: Floats) -> float:
    """SSIM of a validation helper: Gaussian 11 x 11 windows, negative contrast taken as zero."""
    c1, c2 = 0.01**2, 0.03**2
    bell = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(bell, bell) / bell.sum() ** 2

    def mean(x: Floats) -> Floats:
        windows = np.lib.stride_tricks.sliding_window_view(x, (11, 11), axis=(0, 1))
        return np.einsum("...yx,yx", windows, weights)

    ma, mb = mean(a), mean(b)
    luminance = (2 * ma * mb + c1) / (ma**2 + mb**2 + c1)
    variances = mean(a * a) - ma**2 + mean(b * b) - mb**2
    contrast = (2 * (mean(a * b) - ma * mb) + c2) / (variances + c2)
    return float(np.mean(luminance * np.maximum(contrast, 0)))


@needs_fixtures
def test_equals_the_reference_numbers() -> None:
    whole = {"data_range": 1.0}
    with every_array_of("metrics") as arrays:
        for colours in map(arrays.folder, arrays.folders()):
            for case in map(colours.folder, colours.folders()):
                sharp, image = (case[key].squeeze().astype(np.float64) for key in ("ref", "img"))
                by_gauss = ssim(sharp, image, **whole, window="gauss11")
                # The same formula without its negative terms; more on very noisy images only.
                clamped = ssim_with_clamped_contrast(sharp, image)
                for name, ours in {
                    "psnr_official_eval_noclip": psnr(sharp, image, **whole),
                    "psnr_clip01": psnr(sharp, image.clip(0, 1), **whole),
                    "ssim_official_eval_skimage_uniform7": ssim(sharp, image, **whole),
                    "ssim_skimage_gauss11_sigma1.5_nosamplecov": by_gauss,
                    "ssim_pyiqa_gauss11_valid": clamped,
                }.items():
                    case.agree(name, ours, atol=1e-6)
                assert by_gauss <= clamped + 1e-9


def test_the_sharp_image_alone_sets_the_scale(pair: tuple[Floats, Floats]) -> None:
    sharp, noisy = pair
    expected = score_pair(sharp, noisy)
    camera = score_pair(300 + 4000 * sharp, 300 + 4000 * noisy)  # another camera, the same images
    assert camera.psnr == pytest.approx(expected.psnr, abs=1e-9)
    assert camera.ssim == pytest.approx(expected.ssim, abs=1e-9)
    # Scaled by its own range, a wrong gain and offset would go unseen.
    assert score_pair(sharp, 0.5 * sharp + 0.2).psnr < 20


def test_scaling_maps_the_range_of_the_reference_to_one() -> None:
    sharp, other = scale_by_reference(np.array([10, 20, 30]), np.array([5, 20, 40]))
    np.testing.assert_allclose(sharp, [0, 0.5, 1])
    np.testing.assert_allclose(other, [-0.25, 0.5, 1.5])


def test_unsigned_integers_do_not_wrap() -> None:
    sharp = np.array([[0, 255]], dtype=np.uint8)
    assert psnr(sharp, np.array([[1, 254]], dtype=np.uint8)) == pytest.approx(20 * np.log10(255))


def test_identical_images_are_infinitely_alike(pair: tuple[Floats, Floats]) -> None:
    score = score_pair(pair[0], pair[0])
    assert score.psnr == inf
    assert score.ssim == pytest.approx(1.0)


def test_what_cannot_be_compared_is_refused() -> None:
    image = np.arange(400.0).reshape(20, 20)
    with pytest.raises(DGNOError, match="same value everywhere"):
        score_pair(np.ones((20, 20)), image)
    with pytest.raises(DGNOError, match="same shape"):
        psnr(image, image[:10])
    with pytest.raises(DGNOError, match="7 x 7"):
        ssim(image[:6], image[:6])
    with pytest.raises(DGNOError, match="11 x 11"):
        ssim(image[:10], image[:10], window="gauss11")
