from __future__ import annotations

import numpy as np
import pytest
import torch

from dgno_core.optics import camera_noise


@pytest.mark.parametrize(
    ("level", "photons", "read"), [(0.5, 400, 0.01), (0.02, 100, 0.08), (1, 50, 0)]
)
def test_mean_and_variance_are_those_of_a_camera(level: float, photons: float, read: float) -> None:
    noisy = camera_noise(np.full((300, 300), level), photons, read, np.random.default_rng(0))
    assert noisy.mean() == pytest.approx(level, abs=5 * (noisy.std() / 300))
    expected = level / photons + read**2
    assert noisy.var() == pytest.approx(expected, rel=0.03)


def test_tensors_get_the_same_noise_from_torchs_generator() -> None:
    flat = torch.full((300, 300), 0.4)
    noisy = camera_noise(flat, 500, 0.03, torch.Generator().manual_seed(0))
    assert isinstance(noisy, torch.Tensor)
    assert noisy.dtype == torch.float32
    assert float(noisy.mean()) == pytest.approx(0.4, abs=1e-3)
    assert float(noisy.var()) == pytest.approx(0.4 / 500 + 0.03**2, rel=0.03)
    again = camera_noise(flat, 500, 0.03, torch.Generator().manual_seed(0))
    assert torch.equal(again, noisy)
    dark = camera_noise(-flat, 500, 0, torch.Generator())
    assert not dark.any()
    with pytest.raises(ValueError, match="photons"):
        camera_noise(flat, 0, 0, torch.Generator())


def test_the_seed_decides() -> None:
    image = np.linspace(0, 1, 64).reshape(8, 8)
    first, again, other = (
        camera_noise(image, 200, 0.01, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_below_dark_counts_as_dark() -> None:
    quiet = camera_noise(np.full((4, 4), -0.5), 100, 0, np.random.default_rng(0))
    np.testing.assert_array_equal(quiet, 0)


@pytest.mark.parametrize(("photons", "read"), [(0, 1), (-5, 1), (100, -1)])
def test_a_camera_that_cannot_be_is_refused(photons: float, read: float) -> None:
    with pytest.raises(ValueError, match="photons"):
        camera_noise(np.zeros((2, 2)), photons, read, np.random.default_rng(0))
