from __future__ import annotations

from dataclasses import replace

import pytest

from dgno_core.evaluation import ImageResult
from dgno_core.evaluation.scores import group_means, groups, worst
from dgno_core.evaluation.tile_cost import TileCost
from dgno_core.metrics import Score

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


def with_ours(psnr: float, **changes: object) -> ImageResult:
    scores = {**GOOD.scores, "ours": Score(psnr, 0.9)}
    return replace(GOOD, scores=scores, **changes)  # type: ignore[arg-type]


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
