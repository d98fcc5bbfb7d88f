from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.evaluation import (
    EvaluationStarted,
    ImageScored,
    Restoration,
    evaluate_events,
    read_public_set,
)
from dgno_core.metrics import score_pair


@dataclass
class FakeRestorer:
    """Returns its input, but brighter below the first tile by a share of the brightest pixel."""

    step: float = 0
    tile: int = 64
    grid: int = 32
    calls: list[tuple[Any, int | None]] = field(default_factory=list)

    def __call__(self, image: NDArray[Any], *, tile: int | None = None) -> Restoration:
        self.calls.append((image.dtype, tile))
        used = self.tile if tile is None else tile
        borders = tuple(tuple(range(used, size, used)) for size in image.shape[:2])
        result = image.astype(np.float64)
        result[used:] += self.step * image.max()
        result = np.clip(result, 0, np.iinfo(image.dtype).max).astype(image.dtype)
        return Restoration(result, "fake", "c0ffee", used, (borders[0], borders[1]), grid=self.grid)


def scored(folder: Path, restorer: FakeRestorer, tile: int | None = None) -> list[ImageScored]:
    started, *images = evaluate_events(read_public_set(folder), restorer, tile=tile)
    assert started == EvaluationStarted(3)
    assert [(event.done, event.total) for event in images] == [(1, 3), (2, 3), (3, 3)]
    return images


def test_a_restorer_that_does_nothing_gains_nothing(public_set: Path) -> None:
    for event in scored(public_set, FakeRestorer()):
        result = event.result
        assert result.gain == 0
        assert result.scores["ours"] == result.scores["blurred"]
        assert result.identity.psnr == inf
        (cost,) = result.tile_costs
        assert (cost.tile, cost.psnr, cost.offset) == (64, 0, 0)
        assert cost.seam == cost.seam_untiled


def test_the_scores_are_those_of_the_pictures_and_deconvolution_helps(public_set: Path) -> None:
    for event in scored(public_set, FakeRestorer()):
        for method, score in event.result.scores.items():
            assert score == score_pair(event.pictures["sharp"], event.pictures[method])
        assert event.result.scores["richardson_lucy"].psnr > event.result.scores["blurred"].psnr
        assert event.result.scores["wiener"].psnr > event.result.scores["blurred"].psnr


def test_a_seam_and_its_cost_are_found(public_set: Path) -> None:
    result = scored(public_set, FakeRestorer(step=0.25))[0].result
    (cost,) = result.tile_costs
    assert cost.psnr > 0.1
    assert cost.seam > 1.5 * cost.seam_untiled
    assert cost.raised == cost.seam / cost.seam_untiled
    assert cost.offset > 0.1
    assert result.identity.psnr < 40  # what it does to the sharp image shows as well


def test_an_image_of_one_tile_costs_nothing_and_is_restored_twice_only(public_set: Path) -> None:
    restorer = FakeRestorer(tile=128)
    result = scored(public_set, restorer)[0].result
    assert result.tile_costs == ()
    assert len(restorer.calls) == 2 * 3  # blurred and sharp of three images


def test_without_an_untiled_result_the_cost_of_tiles_is_not_claimed(public_set: Path) -> None:
    class Short(FakeRestorer):
        def __call__(self, image: NDArray[Any], *, tile: int | None = None) -> Restoration:
            return super().__call__(image, tile=64)  # memory allows no more

    result = scored(public_set, Short(step=0.25))[0].result
    assert result.tile_costs == ()


def test_the_tile_is_handed_on_and_the_untiled_one_covers_the_image(public_set: Path) -> None:
    restorer = FakeRestorer()
    scored(public_set, restorer, tile=96)
    assert [tile for _, tile in restorer.calls[:3]] == [96, 96, 128]


def test_the_first_images_of_each_group_are_also_tried_with_small_tiles(public_set: Path) -> None:
    rows = read_public_set(public_set)
    grey = [row for row in rows if row.group == "bbbc039"]
    restorer = FakeRestorer(tile=128)  # one tile for each image
    events = [
        event
        for event in evaluate_events([*grey, grey[0], rows[-1]], restorer, small_tile=64)
        if isinstance(event, ImageScored)
    ]
    tiles = [[cost.tile for cost in event.result.tile_costs] for event in events]
    assert tiles == [[64], [64], [], [64]]
    # Blurred and sharp of four images, and no further untiled result than the one at hand.
    assert len(restorer.calls) == 2 * 4 + 3


def test_both_sizes_of_tile_are_judged_against_one_untiled_result(public_set: Path) -> None:
    restorer = FakeRestorer(tile=96)
    first = next(
        event
        for event in evaluate_events(read_public_set(public_set), restorer, small_tile=64)
        if isinstance(event, ImageScored)
    )
    assert [cost.tile for cost in first.result.tile_costs] == [96, 64]
    assert [tile for _, tile in restorer.calls] == [None, None, 128, 64]


def test_tiles_that_are_tried_lie_on_the_grid_of_the_model(public_set: Path) -> None:
    restorer = FakeRestorer(tile=96, grid=40)
    events = evaluate_events(read_public_set(public_set), restorer, small_tile=64)
    first = next(event for event in events if isinstance(event, ImageScored))
    assert [cost.tile for cost in first.result.tile_costs] == [96, 80]
    assert [tile for _, tile in restorer.calls] == [None, None, 120, 80]


def test_the_restorer_gets_the_images_as_they_are_stored(public_set: Path) -> None:
    restorer = FakeRestorer()
    scored(public_set, restorer)
    assert {dtype for dtype, _ in restorer.calls} == {np.dtype(np.uint16), np.dtype(np.uint8)}


def test_a_missing_image_ends_the_evaluation_with_its_name(public_set: Path) -> None:
    rows = read_public_set(public_set)
    rows[1].sharp.unlink()
    with pytest.raises(DGNOError, match=rows[1].sharp.name):
        list(evaluate_events(rows, FakeRestorer()))


@pytest.mark.shared
def test_the_blurred_and_deconvolved_scores_of_the_real_set() -> None:
    """The published baselines; ours may be better, for they had no mirrored borders."""
    folder = Path(__file__).parents[2].parent / "shared" / "data"
    if not (folder / "EVAL.tsv").exists():
        pytest.skip("the evaluation data (../shared/data) is not beside this checkout")
    rows = [row for row in read_public_set(folder) if row.group == "stained"]
    events = list(evaluate_events(rows, FakeRestorer(tile=512)))
    results = [event.result for event in events if isinstance(event, ImageScored)]
    means = {
        method: np.mean([(r.scores[method].psnr, r.scores[method].ssim) for r in results], axis=0)
        for method in ("blurred", "wiener", "richardson_lucy")
    }
    np.testing.assert_allclose(means["blurred"], (30.39, 0.760), atol=0.006)
    assert means["wiener"][0] > 30.17
    assert means["richardson_lucy"][0] > 32
