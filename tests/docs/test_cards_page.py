from __future__ import annotations

import json
import sys
from pathlib import Path

from dgno_core.evaluation import ImageResult, ModelScores
from dgno_core.evaluation.focal_stack import PlaneScore
from dgno_core.evaluation.scores import FailureSpot, report_json
from dgno_core.evaluation.tile_cost import TileCost
from dgno_core.metrics import Score
from dgno_core.models import ModelCard, architecture

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))
from cards.page import cards_page
from cards.record import scores_from

CARD = ModelCard(
    name="grey",
    title="Grey images",
    summary="Sharpens grey images.",
    config=architecture("dgno-cell-small"),
    blur_px=(0.0, 8.0),
    data=("BBBC039", "others"),
    licences=("CC0", "CC BY 4.0"),
    recipe='{"steps": 3000}',
    budget="3000 steps; 1.5 h on one CPU core",
    not_for=("diagnosis", "electron microscopy"),
    weights_sha256="ab" * 32,
)
BLURRED = {method: Score(36.84, 0.9) for method in ("blurred", "wiener", "richardson_lucy")}
EVALUATION = [
    ModelScores(
        "grey",
        "ab" * 32,
        (
            ImageResult(
                "bbbc039_00", "bbbc039", "gauss", "smooth", 3.0, "grey", "ab" * 32, 512,
                BLURRED | {"ours": Score(41.23, 0.97)}, Score(float("inf"), 1.0),
                (TileCost(512, 0.01, 1.05, 1.04, 0.0),),
            ),
        ),
        (PlaneScore(-9, 24.0, 24.5), PlaneScore(-1, 30.0, 29.63), PlaneScore(0, float("inf"), 40.0),
         PlaneScore(5, 28.0, 30.0)),
        ("+9: too unlike the plane in focus.",),
        (FailureSpot("bbbc039_02", (0, 0, 1, 1), 0.1, 25.5, 30.25),),
    )
]  # fmt: skip
PICTURES = {"grey/failures": "figures/grey-failures.jpg"}


def test_a_card_tells_everything_that_a_user_must_know() -> None:
    page = cards_page({"grey": CARD}, EVALUATION, PICTURES)
    for text in (
        "## grey\n",
        "Sharpens grey images.",
        "0 to 8 px",
        "`dgno-cell-small`",
        "- BBBC039\n- others\n",
        "Licences: CC0, CC BY 4.0.",
        "3000 steps; 1.5 h on one CPU core",
        '"steps": 3000',
        "**Do not use it for** diagnosis; electron microscopy.",
        "| 1 | 36.84 | 41.23 | identical |",
        "-0.37 dB (plane -1) to +2.00 dB (plane +5)",
        "not compared: +9: too unlike the plane in focus. | **not kept** |",
        "bbbc039_02 (25.5 dB blurred, 30.2 dB restored)",
        "![Failures of grey](evaluation/figures/grey-failures.jpg)",
    ):
        assert text in page, text


def test_scores_of_other_weights_are_not_shown() -> None:
    page = cards_page({"grey": CARD.changed(weights_sha256="cd" * 32)}, EVALUATION, PICTURES)
    assert "The evaluation page has no scores of these weights." in page
    assert "41.23" not in page
    assert "Failures" not in page


def test_what_a_card_leaves_out_is_called_not_told() -> None:
    bare = ModelCard(name="bare", config=architecture("dgno-cell-small", 3))
    page = cards_page({"bare": bare}, [], {})
    assert "Licences: not told." in page
    assert "Budget: not told." in page
    assert "| colour | not told |" in page


def test_larger_models_are_offered_only_once_they_are_released() -> None:
    assert "So far none has been released." in cards_page({"grey": CARD}, EVALUATION, PICTURES)
    assert "Offered are: `big`." in cards_page(
        {"grey": CARD}, EVALUATION, PICTURES, offered=["big"]
    )


def test_scores_come_back_from_the_record_as_they_were() -> None:
    record = json.loads(report_json(EVALUATION, PICTURES, "dgno evaluate", "0"))
    assert [scores_from(one) for one in record["models"]] == EVALUATION
