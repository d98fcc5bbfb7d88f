from __future__ import annotations

from typing import Any

from dgno_core.evaluation.cards_page import cards_page
from dgno_core.models import ModelCard, architecture

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
EVALUATION: dict[str, Any] = {
    "pictures": {"grey/failures": "figures/grey-failures.jpg"},
    "models": [
        {
            "model": "grey",
            "weights_sha256": "ab" * 32,
            "promises": [
                {"text": "no image worse", "measured": "+2.9 dB", "kept": True},
                {"text": "planes near focus", "measured": "-0.37 dB", "kept": False},
            ],
            "groups": [
                {
                    "group": "bbbc039",
                    "count": 10,
                    "means": {"blurred": [36.84, 0.9], "ours": [41.23, 0.97]},
                    "identity": None,
                }
            ],
            "stack": [
                {"depth": -9, "before": 24.0, "after": 24.5, "gain": 0.5},
                {"depth": 0, "before": None, "after": 40.0, "gain": None},
                {"depth": 5, "before": 28.0, "after": 30.0, "gain": 2.0},
            ],
            "failures": [
                {"image": "bbbc039_02", "box": [0, 0, 1, 1], "error": 0.1, "before": 25.5,
                 "after": 30.25}
            ],
        }
    ],
}  # fmt: skip


def test_a_card_tells_everything_that_a_user_must_know() -> None:
    page = cards_page({"grey": CARD}, EVALUATION)
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
        "| 10 | 36.84 | 41.23 | identical |",
        "+0.50 dB (plane -9) to +2.00 dB (plane +5)",
        "| planes near focus | -0.37 dB | **not kept** |",
        "bbbc039_02 (25.5 dB blurred, 30.2 dB restored)",
        "![Failures of grey](evaluation/figures/grey-failures.jpg)",
    ):
        assert text in page, text


def test_scores_of_other_weights_are_not_shown() -> None:
    page = cards_page({"grey": CARD.changed(weights_sha256="cd" * 32)}, EVALUATION)
    assert "The evaluation page has no scores of these weights." in page
    assert "41.23" not in page
    assert "Failures" not in page


def test_what_a_card_leaves_out_is_called_not_told() -> None:
    bare = ModelCard(name="bare", config=architecture("dgno-cell-small", 3))
    page = cards_page({"bare": bare}, {})
    assert "Licences: not told." in page
    assert "Budget: not told." in page
    assert "| colour | not told |" in page


def test_larger_models_are_offered_only_once_they_are_released() -> None:
    assert "So far none has been released." in cards_page({"grey": CARD}, EVALUATION)
    assert "Offered are: `big`." in cards_page({"grey": CARD}, EVALUATION, offered=["big"])
