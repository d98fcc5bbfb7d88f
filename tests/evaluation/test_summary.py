from __future__ import annotations

from dataclasses import replace

import pytest

from dgno_core.evaluation import ImageResult, Score
from dgno_core.evaluation.summary import group_means, groups, promises, worst

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
    tile_cost=0.01,
    seam=1.30,
    seam_untiled=1.29,
)


def with_ours(psnr: float, **changes: object) -> ImageResult:
    scores = {**GOOD.scores, "ours": Score(psnr, 0.9)}
    return replace(GOOD, scores=scores, **changes)  # type: ignore[arg-type]


def kept(*results: ImageResult) -> list[bool | None]:
    return [promise.kept for promise in promises(results)]


def test_good_results_keep_every_promise() -> None:
    assert kept(GOOD) == [True] * 5


@pytest.mark.parametrize(
    ("number", "result"),
    [
        (0, with_ours(37.9)),
        (1, replace(GOOD, scores={**GOOD.scores, "blurred": Score(39.5, 0.9)})),
        (2, replace(GOOD, identity=Score(39.9, 0.9))),
        (3, replace(GOOD, tile_cost=0.06)),
        (4, replace(GOOD, seam=1.45)),
    ],
)
def test_each_promise_can_be_broken_alone(number: int, result: ImageResult) -> None:
    expected: list[bool | None] = [True] * 5
    expected[number] = False
    assert kept(result) == expected


def test_the_mean_counts_for_nuclei_but_the_worst_for_everything_else() -> None:
    assert kept(with_ours(37.5), with_ours(39.0))[0] is True
    assert kept(replace(GOOD, tile_cost=0.0), replace(GOOD, tile_cost=0.06))[3] is False


def test_other_images_say_nothing_about_nuclei() -> None:
    assert kept(replace(GOOD, group="stained"))[0] is None
    assert kept(replace(GOOD, group="stained"))[2] is None


def test_without_tiles_nothing_is_claimed_about_them() -> None:
    assert kept(replace(GOOD, tile_cost=None, seam=None, seam_untiled=None))[3:] == [None, None]


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
