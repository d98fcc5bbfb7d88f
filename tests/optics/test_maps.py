from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dgno_core.optics import block_map, smooth_map

MakeMap = Callable[..., NDArray[np.float64]]


@pytest.mark.parametrize("make", [smooth_map, block_map])
@pytest.mark.parametrize("shape", [(40, 64), (33, 21)])
def test_the_range_is_met_exactly(make: MakeMap, shape: tuple[int, int]) -> None:
    widths = make(shape, (0.6, 6.0), np.random.default_rng(1))
    assert widths.shape == shape
    assert 0.6 <= widths.min() <= widths.max() <= 6.0 + 1e-12
    if make is smooth_map:
        assert widths.min() == pytest.approx(0.6)
        assert widths.max() == pytest.approx(6.0)


@pytest.mark.parametrize("make", [smooth_map, block_map])
def test_the_seed_decides(make: MakeMap) -> None:
    first, again, other = (
        make((30, 30), (1.0, 4.0), np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_a_smooth_map_has_no_jumps_and_a_block_map_has_nothing_else() -> None:
    rng = np.random.default_rng(2)
    smooth, blocks = (make((96, 96), (1.0, 5.0), rng) for make in (smooth_map, block_map))
    assert np.abs(np.diff(smooth, axis=1)).max() < 0.3
    steps = np.abs(np.diff(blocks, axis=1))
    spacing = 4.0 / 11  # twelve equally spaced widths
    assert np.all((steps < 1e-12) | (steps > 0.99 * spacing))
    assert (steps > 0).any()
    assert 2 <= len(np.unique(blocks)) <= 12


@pytest.mark.parametrize("make", [smooth_map, block_map])
@pytest.mark.parametrize("widths", [(0.0, 2.0), (3.0, 2.0)])
def test_a_range_that_is_none_is_refused(make: MakeMap, widths: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="positive and in rising order"):
        make((8, 8), widths, np.random.default_rng(0))
