from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from pydantic import TypeAdapter

from dgno_core.optics import region_map, smooth_map
from dgno_core.optics.maps import WidthMap, draw_map


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


@pytest.mark.parametrize("sites", [2, 12])
def test_regions_have_one_equally_spaced_width_each(sites: int) -> None:
    widths = region_map((50, 70), (1.0, 5.0), np.random.default_rng(1), sites=sites)
    values = np.unique(widths)
    assert set(values.round(5)) <= set(np.linspace(1, 5, sites).round(5))
    assert len(values) >= sites - 2  # a site beside another may own no pixel
    changed = sum(float((np.diff(widths, axis=axis) != 0).mean()) for axis in (0, 1))
    assert 0 < changed < 0.25  # large regions, with borders that are lines


def test_regions_are_decided_by_the_seed_and_convex() -> None:
    first, again = (region_map((40, 40), (1, 5), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    for row in first:  # a convex region meets a row in one piece
        pieces = np.count_nonzero(np.diff(row)) + 1
        assert pieces == len(np.unique(row))


def test_a_map_is_drawn_by_name_and_kept_as_numbers() -> None:
    shape, widths = (20, 24), (1.0, 3.0)
    for kind, draw in (("smooth", smooth_map), ("regions", region_map)):
        drawn = draw_map(kind, widths, np.random.default_rng(4))  # type: ignore[arg-type]
        stored = json.loads(json.dumps(asdict(drawn)))
        again = TypeAdapter(WidthMap).validate_python(stored)
        assert again == drawn
        expected = draw(shape, widths, np.random.default_rng(4))
        np.testing.assert_array_equal(again.at(shape), expected)
    with pytest.raises(ValueError, match="radial"):
        draw_map("radial", widths, np.random.default_rng(4))  # type: ignore[arg-type]


def test_the_same_map_fits_fields_of_any_size() -> None:
    drawn = draw_map("smooth", (1.0, 3.0), np.random.default_rng(4))
    small, large = (drawn.at((side, side)).numpy() for side in (41, 81))
    np.testing.assert_allclose(large[::2, ::2], small, atol=0.02)
