from __future__ import annotations

import numpy as np
import pytest

from dgno_core.interpretation.lam import Window
from dgno_core.interpretation.lam.reach import reach, smoothed


def test_reach_is_the_distance_within_which_a_share_lies() -> None:
    magnitude = np.zeros((40, 50))
    magnitude[10:14, 20:26] = 1  # the box: 24 pixels
    magnitude[17, 29] = 12  # 4 rows below and 4 columns beside it
    magnitude[12, 40] = 4
    box = Window(10, 20, 4, 6)
    assert reach(magnitude, box, 0.5) == 0
    assert reach(magnitude, box, 0.75) == pytest.approx(np.hypot(4, 4))
    assert reach(magnitude, box, 0.95) == 15
    assert np.isnan(reach(np.zeros((4, 4)), Window(0, 0, 2, 2)))


def test_the_smooth_map_is_nearly_the_density_estimate() -> None:
    from scipy.stats import gaussian_kde

    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:44, :52]
    around = np.exp(-((rows - 20) ** 2 / 90 + (columns - 26) ** 2 / 40))
    magnitude = rng.random((44, 52)) ** 8 * around
    estimate = gaussian_kde(np.stack([rows.ravel(), columns.ravel()]), weights=magnitude.ravel())
    density = estimate(np.stack([rows.ravel(), columns.ravel()])).reshape(rows.shape)
    smooth, widths = smoothed(magnitude)
    np.testing.assert_allclose(widths, np.sqrt(np.diag(estimate.covariance)), rtol=1e-9)
    np.testing.assert_allclose(smooth, density / density.max(), atol=0.04)
    assert smooth.max() == 1


@pytest.mark.parametrize("points", [0, 1])
def test_maps_without_extent_stay_themselves(points: int) -> None:
    magnitude = np.zeros((20, 20))
    magnitude.flat[210 : 210 + points] = 0.7
    smooth, widths = smoothed(magnitude)
    np.testing.assert_array_equal(smooth, magnitude / 0.7)
    assert widths == (0, 0)
