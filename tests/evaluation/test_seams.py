from __future__ import annotations

import numpy as np
import pytest

from dgno_core.errors import DGNOError
from dgno_core.evaluation.restorer import tile_borders
from dgno_core.evaluation.seams import mean_offset, seam_ratio

BORDERS = ((16, 32), (24,))


def test_an_image_without_seams_has_the_ratio_one() -> None:
    noise = np.random.default_rng(0).normal(100, 5, (400, 400))
    ratio = seam_ratio(noise, ((100, 200), (300,)))
    assert ratio == pytest.approx(1.0, abs=0.05)


def test_a_step_at_a_border_is_seen_and_elsewhere_is_not() -> None:
    noise = np.random.default_rng(0).normal(100, 1, (48, 48))
    stepped = noise + 3 * (np.arange(48) >= 24)
    found, missed = seam_ratio(stepped, BORDERS), seam_ratio(stepped, ((16, 32), (25,)))
    assert found is not None
    assert missed is not None
    assert found > 1.3
    assert missed < 1.2


def test_is_its_definition_written_out() -> None:
    image = np.random.default_rng(1).random((6, 5))
    rows = [abs(image[2, x] - image[1, x]) for x in range(5)]
    columns = [abs(image[y, 3] - image[y, 2]) for y in range(6)]
    others = [abs(image[y, x] - image[y - 1, x]) for y in (1, 3, 4, 5) for x in range(5)]
    others += [abs(image[y, x] - image[y, x - 1]) for y in range(6) for x in (1, 2, 4)]
    expected = np.mean(rows + columns) / np.mean(others)
    assert seam_ratio(image, ((2,), (3,))) == pytest.approx(expected)


def test_one_tile_has_no_seam_and_a_constant_image_none_either() -> None:
    assert seam_ratio(np.eye(8), ((), ())) is None
    assert seam_ratio(np.ones((48, 48, 3)), BORDERS) == 1.0


@pytest.mark.parametrize("position", [0, 48, -1])
def test_a_border_outside_the_image_is_refused(position: int) -> None:
    with pytest.raises(DGNOError, match="do not lie inside"):
        seam_ratio(np.ones((48, 48)), ((position,), ()))


def test_a_band_that_no_neighbour_shows_is_seen_in_the_mean() -> None:
    untiled = np.random.default_rng(0).normal(100, 5, (96, 200))
    ramp = np.clip((np.arange(200) - 100) / 64 + 0.5, 0, 1)
    tiled = untiled + 2 * ramp  # the second tile is brighter, reached slowly
    borders = ((), (100,))
    found, plain = seam_ratio(tiled, borders), seam_ratio(untiled, borders)
    assert found == pytest.approx(plain, rel=0.01)  # no seam
    assert mean_offset(tiled, untiled, borders, ramp=64) == pytest.approx(2)
    assert mean_offset(untiled, untiled, borders, ramp=64) == 0


def test_bands_of_opposite_sign_along_a_border_do_not_cancel() -> None:
    change = np.zeros((64, 64))
    change[32:, :32], change[32:, 32:] = 1, -1
    # Across the row 32 the steps are +1 and -1; across the column 32 below it, -2.
    assert mean_offset(change, np.zeros_like(change), ((32,), (32,))) == pytest.approx(2)
    assert mean_offset(change[:, :32], np.zeros((64, 32)), ((32,), ())) == pytest.approx(1)


def test_a_border_near_the_end_of_the_image_has_only_one_side() -> None:
    image = np.zeros((40, 20))
    assert mean_offset(image + 1, image, ((36,), ()), ramp=16) == 0


def test_the_borders_are_where_the_tile_plan_hands_over() -> None:
    (rows, columns), ramp = tile_borders((256, 96), tile=128, halo=32)
    assert columns == ()  # one tile wide
    assert rows
    from dgno_core.inference.tiles import plan_tiles

    weights = np.zeros((len(plan_tiles((256, 96), 128, 32).tiles), 256))
    for index, tile in enumerate(plan_tiles((256, 96), 128, 32).tiles):
        weights[index, tile.rows.slice] = tile.rows.weights
    leading = weights.argmax(axis=0)
    handovers = np.flatnonzero(np.diff(leading)) + 1
    assert len(handovers) == len(weights) - 1
    assert rows == tuple(handovers)
    shared = (weights > 0).sum(axis=0) > 1
    longest = max(len(run) for run in "".join("x" if one else " " for one in shared).split())
    assert abs(ramp - longest) <= 1
