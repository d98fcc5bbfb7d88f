from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dgno_core.evaluation import ImageResult
from dgno_core.evaluation.focal_stack import PlaneScore
from dgno_core.evaluation.scores import ModelScores
from dgno_core.evaluation.tile_cost import TileCost
from dgno_core.metrics import Score

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))
from cards.requirements import (
    Requirement,
    requirement_table,
    requirements_of,
    stack_requirements,
)

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
    return [one.kept for one in requirements(results)]


def requirements(results: Sequence[ImageResult]) -> list[Requirement]:
    return requirements_of(ModelScores("model", "", tuple(results)))


def test_good_results_keep_every_requirement() -> None:
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
def test_each_requirement_can_be_broken_alone(number: int, result: ImageResult) -> None:
    expected: list[bool | None] = [True] * 7
    expected[number] = False
    assert kept(result) == expected


def test_the_mean_counts_for_quality_but_every_image_for_harm() -> None:
    assert kept(with_ours(38.5), with_ours(42.0))[1] is True
    bad = with_tiles(TileCost(512, 0.06, 1.0, 1.0, 0.0))
    assert kept(GOOD, bad, GOOD)[4] is False
    spoilt = replace(GOOD, name="bbbc039_01", identity=Score(39.9, 0.9))
    mean, each = requirements([replace(GOOD, identity=Score(60.0, 1.0)), spoilt])[2:4]
    assert (mean.kept, each.kept) == (True, False)
    assert "39.90 dB at the least (bbbc039_01)" in each.measured


@pytest.mark.parametrize(
    ("group", "least", "sharp"), [("stained", 31.9, 36.0), ("cytology", 31.2, 36.0)]
)
def test_each_group_has_bounds_of_its_own(group: str, least: float, sharp: float) -> None:
    blurred = {**GOOD.scores, "blurred": Score(20.0, 0.5)}

    def judged(psnr: float, identity: float) -> list[bool | None]:
        scores = {**blurred, "ours": Score(psnr, 0.9)}
        result = replace(GOOD, group=group, scores=scores, identity=Score(identity, 0.9))
        return kept(result)[1:4]

    assert judged(least, sharp) == [True, True, True]
    assert judged(least - 0.01, sharp - 0.01) == [False, False, False]


def test_nothing_is_asked_for_groups_that_were_not_restored() -> None:
    asked = " ".join(one.text for one in requirements([GOOD]))
    assert "nuclei" in asked
    assert "stained" not in asked
    assert "stack" not in asked
    planes = (PlaneScore(4, 20.0, 19.0),)
    found = {one.text: one.kept for one in requirements_of(ModelScores("model", "", planes=planes))}
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
    single, mean = requirements([edge, GOOD, smooth])[5:]
    assert (mean.kept, single.kept) == (True, False)
    assert f"{(1.30 + 1.05 + 0.80) / 3:.3f} times" in mean.measured
    assert f"at most {max(1.30 / 1.29, 1.05 / 1.04):.3f}-fold" in mean.measured
    assert "1.300 times in the worst image (bbbc039_00; the same pixels untiled: 1.290)" in (
        single.measured
    )
    assert "the picture itself exceeds it there in bbbc039_00 (1.290)" in single.measured
    assert "the picture itself" not in requirements([GOOD])[5].measured


def test_each_size_of_tile_is_judged_by_itself() -> None:
    both = with_tiles(TileCost(512, 0.01, 1.0, 1.0, 0.0), TileCost(256, 0.09, 1.2, 1.0, 0.0))
    found = requirements([both, GOOD])[4:]
    assert [one.kept for one in found] == [True, True, True, False, False, False]
    assert "(tile 512, n = 2)" in found[0].text
    assert "(tile 256, n = 1)" in found[3].text


@pytest.mark.parametrize(
    ("planes", "kept"),
    [
        ([(-4, 20, 20.1), (-1, 30, 29.8), (0, np.inf, 37), (3, 9, 8)], [True, True, True]),
        ([(-4, 20, 19.9), (4, 20, 22)], [False, None, None]),
        ([(-1, 30, 29.6), (1, 30, 31), (0, np.inf, 35)], [None, False, False]),
    ],
)
def test_what_is_asked_of_a_real_stack(
    planes: list[tuple[int, float, float]], kept: list[bool | None]
) -> None:
    assert [
        one.kept for one in stack_requirements([PlaneScore(*plane) for plane in planes])
    ] == kept


def test_what_is_asked_of_every_plane_is_not_kept_where_one_is_missing() -> None:
    planes = [PlaneScore(*plane) for plane in [(4, 20, 22), (1, 30, 31), (0, np.inf, 40)]]
    requirements = stack_requirements(planes, ["-9: too unlike the plane in focus."])
    assert [one.kept for one in requirements] == [False, False, True]
    assert "-9: too unlike" in requirements[0].measured


def test_the_table_says_what_is_not_kept() -> None:
    table = requirement_table(
        [Requirement("a", "1", True), Requirement("b", "2", False), Requirement("c", "3", None)]
    )
    assert table.splitlines()[2:] == [
        "| a | 1 | kept |",
        "| b | 2 | **not kept** |",
        "| c | 3 | - |",
    ]
