"""The known blur is found, what was invented is seen, and noise alone raises no alarm."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_gradient_magnitude

from dgno_core.interpretation.trust.noise import estimate_noise
from dgno_core.interpretation.trust.reblur import reblur
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
