from __future__ import annotations

from dataclasses import replace

import pytest

from dgno_core.evaluation import ImageResult, Score
from dgno_core.evaluation.summary import group_means, groups, promises, worst
from dgno_core.evaluation.tile_cost import TileCost

GOOD = ImageResult(
    name="bbbc039_00",
    group="bbbc039",
    psf="gauss",
    map="smooth",
    mean_width=3.0,
    model="model",
    weights_sha256="",
    tile=512,
    scores={
        "blurred": Score(36.0, 0.9),
        "wiener": Score(37.0, 0.91),
        "richardson_lucy": Score(37.5, 0.92),
        "ours": Score(39.0, 0.95),
    },
    identity=Score(45.0, 0.99),
    tile_costs=(TileCost(512, 0.01, 1.05, 1.04, 0.0),),
)


def with_tiles(*costs: TileCost) -> ImageResult:
    return replace(GOOD, tile_costs=costs)


def with_ours(psnr: float, **changes: object) -> ImageResult:
    scores = {**GOOD.scores, "ours": Score(psnr, 0.9)}
    return replace(GOOD, scores=scores, **changes)  # type: ignore[arg-type]


def kept(*results: ImageResult) -> list[bool | None]:
    return [promise.kept for promise in promises(results)]


def test_good_results_keep_every_promise() -> None:
    assert kept(GOOD) == [True] * 6


@pytest.mark.parametrize(
    ("number", "result"),
    [
        (0, with_ours(37.9)),
        (1, replace(GOOD, scores={**GOOD.scores, "blurred": Score(39.5, 0.9)})),
        (2, replace(GOOD, identity=Score(39.9, 0.9))),
        (3, with_tiles(TileCost(512, 0.06, 1.05, 1.04, 0.0))),
        (5, with_tiles(TileCost(512, 0.01, 1.00, 0.80, 0.0))),
    ],
)
def test_each_promise_can_be_broken_alone(number: int, result: ImageResult) -> None:
    expected: list[bool | None] = [True] * 6
    expected[number] = False
    assert kept(result) == expected


def test_the_mean_counts_for_nuclei_but_the_worst_for_everything_else() -> None:
    assert kept(with_ours(37.5), with_ours(39.0))[0] is True
    bad = with_tiles(TileCost(512, 0.06, 1.0, 1.0, 0.0))
    assert kept(GOOD, bad, GOOD)[3] is False


def test_other_images_say_nothing_about_nuclei() -> None:
    assert kept(replace(GOOD, group="stained"))[0] is None
    assert kept(replace(GOOD, group="stained"))[2] is None


def test_without_tiles_nothing_is_claimed_about_them() -> None:
    assert kept(with_tiles())[3:] == [None, None]


def test_the_seam_is_judged_in_the_mean_and_in_every_image() -> None:
    """An edge along a border exceeds the ratio without any tiles: no excuse, but said."""
    edge = with_tiles(TileCost(512, 0.0, 1.30, 1.29, 0.0))
    assert kept(edge)[4:] == [False, False]
    smooth = with_tiles(TileCost(512, 0.0, 0.80, 0.80, 0.0))
    single, mean = promises([edge, GOOD, smooth])[4:]
    assert (mean.kept, single.kept) == (True, False)
    assert f"{(1.30 + 1.05 + 0.80) / 3:.3f} times" in mean.measured
    assert f"at most {max(1.30 / 1.29, 1.05 / 1.04):.3f}-fold" in mean.measured
    assert "1.300 times in the worst image (bbbc039_00; the same pixels untiled: 1.290)" in (
        single.measured
    )
    assert "the picture itself exceeds it there in bbbc039_00 (1.290)" in single.measured
    assert "the picture itself" not in promises([GOOD])[4].measured


def test_each_size_of_tile_is_judged_by_itself() -> None:
    both = with_tiles(TileCost(512, 0.01, 1.0, 1.0, 0.0), TileCost(256, 0.09, 1.2, 1.0, 0.0))
    found = promises([both, GOOD])[3:]
    assert [promise.kept for promise in found] == [True, True, True, False, False, False]
    assert "(tile 512, n = 2)" in found[0].text
    assert "(tile 256, n = 1)" in found[3].text


def test_means_are_means_of_the_decibels() -> None:
    means = group_means("bbbc039", [with_ours(30.0), with_ours(40.0)])
    assert means.count == 2
    assert means.means["ours"] == pytest.approx((35.0, 0.9))
    assert means.means["wiener"] == pytest.approx((37.0, 0.91))


def test_groups_keep_their_order_and_the_worst_gains_least() -> None:
    results = [
        replace(GOOD, group="stained", name="a"),
        replace(GOOD, name="b"),
        with_ours(36.5, group="stained", name="c"),
    ]
    sorted_results = groups(results)
    assert list(sorted_results) == ["stained", "bbbc039"]
    assert worst(sorted_results["stained"]).name == "c"
