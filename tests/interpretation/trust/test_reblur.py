"""The known blur is found, what was invented is seen, and noise alone raises no alarm."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_gradient_magnitude

from dgno_core.inference.noise import estimate_noise
from dgno_core.interpretation.trust.reblur import _fit, bank, reblur
from dgno_core.optics.maps import smooth_map
from dgno_core.optics.noise import camera_noise
from dgno_core.optics.varying import blur_varying
from support.trust import Floats, scene


def blurred(sharp: Floats, widths: Floats, psf: str, rng: np.random.Generator) -> Floats:
    image = np.stack([blur_varying(c, widths, psf) for c in sharp])  # type: ignore[arg-type]
    return (image + 0.01 * rng.standard_normal(image.shape)).astype(np.float32)


def near_edges(sharp: Floats) -> np.ndarray:
    slope = gaussian_gradient_magnitude(sharp[0], 1)
    return np.asarray(binary_dilation(slope > 0.05, iterations=3))


@pytest.mark.parametrize("psf", ["gauss", "disk"])
@pytest.mark.parametrize("width", [1.5, 3.0])
def test_one_width_is_found_to_a_fifth_of_a_pixel(
    psf: str, width: float, rng: np.random.Generator
) -> None:
    sharp = scene()
    scale = 2 if psf == "disk" else 1
    observed = blurred(sharp, np.full(sharp.shape[1:], scale * width), psf, rng)
    found = reblur(observed, sharp)
    assert found.kernel == psf
    assert np.abs(found.width - width)[near_edges(sharp)].mean() < 0.2


def test_a_map_of_widths_is_followed(rng: np.random.Generator) -> None:
    sharp = scene(160)
    true = smooth_map(sharp.shape[1:], (0.8, 4.0), rng, grid=3)
    found = reblur(blurred(sharp, true, "gauss", rng), sharp)
    edges = near_edges(sharp)
    assert np.abs(found.width - true)[edges].mean() < 0.35
    assert np.corrcoef(found.width[edges], true[edges])[0, 1] > 0.9


def test_an_unblurred_image_has_no_width(rng: np.random.Generator) -> None:
    sharp = scene()
    observed = (sharp + 0.01 * rng.standard_normal(sharp.shape)).astype(np.float32)
    assert reblur(observed, sharp).width[near_edges(sharp)].mean() < 0.4


def test_a_true_restoration_leaves_noise(rng: np.random.Generator) -> None:
    sharp = scene()
    residual = reblur(blurred(sharp, np.full(sharp.shape[1:], 2.0), "gauss", rng), sharp).residual
    assert residual.std() < 1.3
    assert (np.abs(residual) > 4).mean() < 0.01


@pytest.mark.parametrize("amount", [0.3, -0.3])
def test_invented_structure_stands_out_with_its_sign(
    amount: float, rng: np.random.Generator
) -> None:
    sharp = scene()
    observed = blurred(sharp, np.full(sharp.shape[1:], 2.0), "gauss", rng)
    spot = (0, slice(60, 66), slice(70, 76))
    invented = sharp.copy()
    invented[spot] += amount
    residual = reblur(observed, invented).residual
    assert np.sign(amount) * residual[spot].mean() < -6
    away = residual.copy()
    away[0, 45:81, 55:91] = 0
    assert (np.abs(away) > 4).mean() < 0.01


def test_noise_alone_raises_no_alarm(rng: np.random.Generator) -> None:
    observed = (0.2 + 0.05 * rng.standard_normal((1, 96, 96))).astype(np.float32)
    flat = np.full_like(observed, 0.2)
    residual = reblur(observed, flat).residual
    assert residual.std() < 1.3
    assert np.abs(residual).max() < 5


def test_a_local_gain_is_forgiven(rng: np.random.Generator) -> None:
    sharp = scene()
    observed = blurred(sharp, np.full(sharp.shape[1:], 2.0), "gauss", rng)
    found = reblur(observed, 0.9 * sharp + 0.03)
    assert np.abs(found.width - 2)[near_edges(sharp)].mean() < 0.3
    assert (np.abs(found.residual) > 4).mean() < 0.02


def test_a_gain_that_no_blur_makes_is_not(rng: np.random.Generator) -> None:
    sharp = scene()
    observed = blurred(sharp, np.full(sharp.shape[1:], 2.0), "gauss", rng)
    brighter = 0.5 + (sharp - 0.5) / 1.3  # the recorded contrast is 1.3 times that
    found = reblur(observed, brighter)
    assert (np.abs(found.residual) > 4)[near_edges(sharp)[None]].mean() > 0.2


def test_a_gain_is_believed_as_far_as_the_noise_allows(rng: np.random.Generator) -> None:
    """The prior weighs as much as declared: 1 / 0.05^2, beside independent pixels."""
    deviation, amplitude = 0.2, 0.03
    wave = amplitude * np.sin(2 * np.pi * np.arange(256) / 32)
    restored = np.broadcast_to(0.5 + wave, (1, 256, 256)).astype(np.float32)
    gains = []
    for _ in range(3):
        observed = 0.5 + 1.15 * (restored - 0.5)
        observed = observed + deviation * rng.standard_normal(restored.shape)
        known = np.full_like(restored, deviation)
        fit = _fit(observed.astype(np.float32), restored, known, "gauss", (0.0, 0.5, 1.0))
        gains.append(fit.gain[0])
    # Bayes' rule for one gain: what a window of sigma 8 tells, beside the prior.
    seen = 4 * np.pi * 8**2 * (amplitude**2 / 2) / deviation**2
    expected = 1 + 0.15 * seen / (seen + 1 / 0.05**2)
    assert np.mean(gains) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("widest", "widths"),
    [
        (12, (*np.arange(0, 4.5, 0.5), 5, 6, 7, 8, 10, 12)),
        (27, (*np.arange(0, 4.5, 0.5), 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 27)),
        (1.5, (0, 0.5, 1, 1.5)),
    ],
)
def test_the_bank_ends_where_it_should(widest: float, widths: tuple[float, ...]) -> None:
    assert bank(widest) == widths


def test_colours_share_one_width(rng: np.random.Generator) -> None:
    sharp = np.concatenate([scene(seed=seed) for seed in (1, 2, 3)])
    found = reblur(blurred(sharp, np.full(sharp.shape[1:], 2.0), "gauss", rng), sharp)
    assert found.width.shape == sharp.shape[1:]
    assert found.residual.shape == sharp.shape
    assert len(found.noise) == 3
    assert np.abs(found.width - 2)[near_edges(sharp)].mean() < 0.2


@pytest.mark.parametrize("shape", [(16, 16), (17, 50)])
def test_small_views_are_possible(shape: tuple[int, int], rng: np.random.Generator) -> None:
    image = rng.random((1, *shape)).astype(np.float32)
    found = reblur(image, image)
    assert found.width.shape == shape
    assert np.isfinite(found.residual).all()


@pytest.mark.parametrize(("photons", "read"), [(200.0, 0.0), (2000.0, 0.02), (1e9, 0.03)])
def test_camera_noise_is_estimated(photons: float, read: float, rng: np.random.Generator) -> None:
    light = np.tile(np.linspace(0, 1, 128), (128, 1))
    noise = estimate_noise(camera_noise(light, photons, read, rng).astype(np.float32))
    for level in (0.2, 0.5, 0.9):
        true = np.sqrt(level / photons + read**2)
        assert noise.deviation(level) == pytest.approx(true, rel=0.15)


def test_rounding_counts_as_noise() -> None:
    assert estimate_noise(np.zeros((32, 32), np.float32), step=0.1).read >= 0.1 / np.sqrt(12)
