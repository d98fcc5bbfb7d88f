from __future__ import annotations

import numpy as np
import pytest

from dgno_core.optics import smooth_map


@pytest.mark.parametrize("shape", [(40, 64), (33, 21)])
def test_the_range_is_met_exactly(shape: tuple[int, int]) -> None:
    widths = smooth_map(shape, (0.6, 6.0), np.random.default_rng(1))
    assert widths.shape == shape
    assert widths.min() == pytest.approx(0.6)
    assert widths.max() == pytest.approx(6.0)


def test_the_seed_decides() -> None:
    first, again, other = (
        smooth_map((30, 30), (1.0, 4.0), np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_has_no_jumps() -> None:
    widths = smooth_map((96, 96), (1.0, 5.0), np.random.default_rng(2))
    assert np.abs(np.diff(widths, axis=1)).max() < 0.3


@pytest.mark.parametrize("widths", [(0.0, 2.0), (3.0, 2.0)])
def test_a_range_that_is_none_is_refused(widths: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="positive and in rising order"):
        smooth_map((8, 8), widths, np.random.default_rng(0))
