from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dgno_core.inference.tiles import plan_tiles

sizes = st.integers(1, 700)
tiles = st.integers(2, 12).map(lambda n: 32 * n)
halos = st.integers(0, 128)


@given(st.tuples(sizes, sizes), tiles, halos)
@example((1024, 1024), 512, 64)
@example((1000, 16), 64, 64)
def test_weights_sum_to_exactly_one_everywhere(
    shape: tuple[int, int], tile: int, halo: int
) -> None:
    plan = plan_tiles(shape, tile, halo)
    total = np.zeros(plan.padded, np.float32)
    for part in plan.tiles:
        assert part.weights.min() >= 0
        total[part.window] += part.weights
    assert (total == 1).all()


@given(st.tuples(sizes, sizes), tiles, halos)
def test_windows_are_alike_on_the_grid_and_inside(
    shape: tuple[int, int], tile: int, halo: int
) -> None:
    plan = plan_tiles(shape, tile, halo)
    expected = plan.tiles[0].weights.shape
    assert max(expected) <= tile
    for part in plan.tiles:
        assert part.weights.shape == expected
        for window, size in zip(part.window, plan.padded, strict=True):
            assert window.start % 32 == 0
            assert 0 <= window.start < window.stop <= size
    for size, padded in zip(shape, plan.padded, strict=True):
        assert padded % 32 == 0
        assert 0 <= padded - size < 32


@given(st.tuples(sizes, sizes), tiles, halos)
def test_a_pixel_counts_only_where_half_a_halo_surrounds_it(
    shape: tuple[int, int], tile: int, halo: int
) -> None:
    plan = plan_tiles(shape, tile, halo)
    margin = min(halo, tile // 4) // 2
    for part in plan.tiles:
        for axis, (window, size) in enumerate(zip(part.window, plan.padded, strict=True)):
            used = np.flatnonzero(part.weights.any(1 - axis))
            if window.start > 0:
                assert used[0] >= margin
            else:
                assert used[0] == 0  # no taper at the border of the image
            if window.stop < size:
                assert used[-1] < len(part.weights.any(1 - axis)) - margin
            else:
                assert used[-1] == window.stop - window.start - 1


@given(st.tuples(sizes, sizes), tiles, halos)
def test_a_plane_no_larger_than_the_tile_is_one_piece(
    shape: tuple[int, int], tile: int, halo: int
) -> None:
    plan = plan_tiles(shape, tile, halo)
    assert (len(plan.tiles) == 1) == (max(plan.padded) <= tile)


@given(st.tuples(sizes, sizes), tiles, halos, st.integers(0, 9))
def test_blending_what_is_the_same_changes_nothing(
    shape: tuple[int, int], tile: int, halo: int, seed: int
) -> None:
    image = np.random.default_rng(seed).random((1, *shape), dtype=np.float32)
    plan = plan_tiles(shape, tile, halo)
    padded = plan.pad(image)
    blended = np.zeros_like(padded)
    for part in plan.tiles:
        window = (slice(None), *part.window)
        blended[window] += padded[window] * part.weights
    np.testing.assert_allclose(plan.crop(blended), image, rtol=3e-7)


def test_the_ramp_runs_from_one_tile_to_the_next() -> None:
    left, right = (tile.columns for tile in plan_tiles((64, 96), 64, 16).tiles)
    assert (left.start, right.start) == (0, 32)
    np.testing.assert_array_equal(left.weights[:40], 1)
    np.testing.assert_array_equal(left.weights[56:], 0)
    np.testing.assert_array_equal(np.diff(left.weights[40:56]), np.full(15, -1 / 16))
    np.testing.assert_array_equal(left.weights[32:], 1 - right.weights[:32])


def test_the_paper_tile_on_a_camera_frame() -> None:
    plan = plan_tiles((1040, 1388), 512, 64)
    assert plan.padded == (1056, 1408)
    assert sorted({tile.columns.start for tile in plan.tiles}) == [0, 320, 640, 960]
    assert plan.tiles[0].weights.shape == (448, 448)


@given(sizes.filter(lambda size: size > 64), tiles, halos)
@example(696, 512, 64)
def test_windows_are_the_smallest_of_their_number(length: int, tile: int, halo: int) -> None:
    """Compare with trying every size of window that is as many times there or less."""
    columns = [part.columns for part in plan_tiles((32, length), tile, halo).tiles]
    window, needed = len(columns[0].weights), 2 * min(halo, tile // 4)
    padded = -(-length // 32) * 32
    for left, right in pairwise(columns):
        assert left.slice.stop - right.start >= needed

    def count(edge: int) -> int:
        """Lay windows of `edge` as far apart as they may be, and count them."""
        step = (edge - needed) // 32 * 32
        return 1 if edge >= padded else 1 + -(-(padded - edge) // step) if step > 0 else padded

    assert len(columns) == count(min(tile, padded))
    assert all(count(edge) > len(columns) for edge in range(32, window, 32))


def test_a_frame_little_larger_than_the_tile_costs_little_more() -> None:
    plan = plan_tiles((520, 696), 512, 64)
    assert [tile.weights.shape for tile in plan.tiles] == [(352, 416)] * 4


@pytest.mark.parametrize(("shape", "tile"), [((64, 64), 100), ((64, 64), 32), ((0, 64), 64)])
def test_what_cannot_be_planned(shape: tuple[int, int], tile: int) -> None:
    with pytest.raises(ValueError, match="grid of 32"):
        plan_tiles(shape, tile)


def test_planes_smaller_than_their_padding_are_reflected_over_and_over() -> None:
    plan = plan_tiles((2, 3), 64)
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    padded = plan.pad(image)
    assert padded.shape == (1, 32, 32)
    np.testing.assert_array_equal(padded[0, 0, :7], [0, 1, 2, 1, 0, 1, 2])
