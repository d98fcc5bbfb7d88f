from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from dgno_core.evaluation import ImageResult
from dgno_core.evaluation.evaluated import ModelScores
from dgno_core.evaluation.focal_stack import PlaneScore
from dgno_core.evaluation.promise import Promise
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
        "ours": Score(41.0, 0.95),
    },
    identity=Score(46.0, 0.99),
    tile_costs=(TileCost(512, 0.01, 1.05, 1.04, 0.0),),
)


def with_tiles(*costs: TileCost) -> ImageResult:
    return replace(GOOD, tile_costs=costs)


def with_ours(psnr: float, **changes: object) -> ImageResult:
    scores = {**GOOD.scores, "ours": Score(psnr, 0.9)}
    return replace(GOOD, scores=scores, **changes)  # type: ignore[arg-type]


def kept(*results: ImageResult) -> list[bool | None]:
    return [promise.kept for promise in promises(results)]


def promises(results: Sequence[ImageResult]) -> list[Promise]:
    return ModelScores("model", "", tuple(results)).promises


def test_good_results_keep_every_promise() -> None:
    assert kept(GOOD) == [True] * 7


@pytest.mark.parametrize(
    ("number", "result"),
    [
        (0, replace(GOOD, scores={**GOOD.scores, "blurred": Score(41.5, 0.9)})),
        (1, with_ours(39.8)),
        (2, replace(GOOD, identity=Score(44.9, 0.9))),
        (4, with_tiles(TileCost(512, 0.06, 1.05, 1.04, 0.0))),
        (6, with_tiles(TileCost(512, 0.01, 1.00, 0.80, 0.0))),
    ],
)
def test_each_promise_can_be_broken_alone(number: int, result: ImageResult) -> None:
    expected: list[bool | None] = [True] * 7
    expected[number] = False
    assert kept(result) == expected


def test_the_mean_counts_for_quality_but_every_image_for_harm() -> None:
    assert kept(with_ours(38.5), with_ours(42.0))[1] is True
    bad = with_tiles(TileCost(512, 0.06, 1.0, 1.0, 0.0))
    assert kept(GOOD, bad, GOOD)[4] is False
    spoilt = replace(GOOD, name="bbbc039_01", identity=Score(39.9, 0.9))
    mean, each = promises([replace(GOOD, identity=Score(60.0, 1.0)), spoilt])[2:4]
    assert (mean.kept, each.kept) == (True, False)
    assert "39.90 dB at the least (bbbc039_01)" in each.measured


@pytest.mark.parametrize(
    ("group", "least", "sharp"), [("stained", 31.9, 36.0), ("cytology", 31.2, 36.0)]
)
def test_each_group_has_its_own_bar(group: str, least: float, sharp: float) -> None:
    blurred = {**GOOD.scores, "blurred": Score(20.0, 0.5)}

    def judged(psnr: float, identity: float) -> list[bool | None]:
        scores = {**blurred, "ours": Score(psnr, 0.9)}
        result = replace(GOOD, group=group, scores=scores, identity=Score(identity, 0.9))
        return kept(result)[1:4]

    assert judged(least, sharp) == [True, True, True]
    assert judged(least - 0.01, sharp - 0.01) == [False, False, False]


def test_nothing_is_asked_for_groups_that_were_not_restored() -> None:
    asked = " ".join(promise.text for promise in promises([GOOD]))
    assert "nuclei" in asked
    assert "stained" not in asked
    assert "stack" not in asked
    planes = (PlaneScore(4, 20.0, 19.0),)
    found = {one.text: one.kept for one in ModelScores("model", "", planes=planes).promises}
    assert found["real stack: every plane beyond ±3 improves"] is False


def test_an_image_of_unknown_kind_must_still_not_become_worse() -> None:
    assert kept(with_ours(30.0, group="plants"))[0] is False
    assert len(kept(with_ours(42.0, group="plants"))) == 1 + 3


def test_without_tiles_nothing_is_claimed_about_them() -> None:
    assert kept(with_tiles())[4:] == [None, None]


def test_the_seam_is_judged_in_the_mean_and_in_every_image() -> None:
    """An edge along a border exceeds the ratio without any tiles: no excuse, but said."""
    edge = with_tiles(TileCost(512, 0.0, 1.30, 1.29, 0.0))
    assert kept(edge)[5:] == [False, False]
    smooth = with_tiles(TileCost(512, 0.0, 0.80, 0.80, 0.0))
    single, mean = promises([edge, GOOD, smooth])[5:]
    assert (mean.kept, single.kept) == (True, False)
    assert f"{(1.30 + 1.05 + 0.80) / 3:.3f} times" in mean.measured
    assert f"at most {max(1.30 / 1.29, 1.05 / 1.04):.3f}-fold" in mean.measured
    assert "1.300 times in the worst image (bbbc039_00; the same pixels untiled: 1.290)" in (
        single.measured
    )
    assert "the picture itself exceeds it there in bbbc039_00 (1.290)" in single.measured
    assert "the picture itself" not in promises([GOOD])[5].measured


def test_each_size_of_tile_is_judged_by_itself() -> None:
    both = with_tiles(TileCost(512, 0.01, 1.0, 1.0, 0.0), TileCost(256, 0.09, 1.2, 1.0, 0.0))
    found = promises([both, GOOD])[4:]
    assert [promise.kept for promise in found] == [True, True, True, False, False, False]
    assert "(tile 512, n = 2)" in found[0].text
    assert "(tile 256, n = 1)" in found[3].text
