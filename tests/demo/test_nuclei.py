"""The drawn nuclei have the sizes, the contrast and the sharpness of real ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from dgno_core.demo.images import draw_nuclei


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return draw_nuclei((256, 320), seed=0)


def test_the_seed_alone_tells_the_field(scene: np.ndarray) -> None:
    np.testing.assert_array_equal(draw_nuclei((256, 320), seed=0), scene)
    assert not np.allclose(draw_nuclei((256, 320), seed=1), scene)


def test_nuclei_are_bright_ovals_on_dark(scene: np.ndarray) -> None:
    assert scene.shape == (256, 320)
    assert scene.min() > 0
    assert scene.max() <= 1
    bright = scene > 0.15
    assert 0.1 < bright.mean() < 0.4
    assert np.median(scene[~bright]) < 0.05
    labels, _ = ndi.label(ndi.binary_opening(bright, iterations=2))
    areas = np.bincount(labels.ravel())[1:]
    assert np.pi * 8**2 < np.median(areas) < np.pi * 18**2
    assert areas.max() > 1.7 * np.median(areas), "some touch"


def test_nuclei_differ_and_are_mottled_inside(scene: np.ndarray) -> None:
    inside = ndi.binary_erosion(scene > 0.15, iterations=5)
    labels, number = ndi.label(inside)
    numbers = [n for n in range(1, number + 1) if (labels == n).sum() > 60]
    means = ndi.mean(scene, labels, numbers)
    assert means.std() / means.mean() > 0.12
    mottled = ndi.standard_deviation(scene, labels, numbers) / means
    assert 0.04 < np.median(mottled) < 0.2


def test_the_edges_are_sharp(scene: np.ndarray) -> None:
    steepest = np.percentile(ndi.gaussian_gradient_magnitude(scene, 0.5), 99.5)
    blurred = ndi.gaussian_gradient_magnitude(ndi.gaussian_filter(scene, 1.5), 0.5)
    assert steepest > 1.6 * np.percentile(blurred, 99.5)
