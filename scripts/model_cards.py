"""docs/models.md, from the cards of the packaged weights and docs/evaluation/evaluation.json.

python scripts/model_cards.py
"""

from __future__ import annotations

import json
from pathlib import Path

from cards.page import cards_page
from cards.record import scores_from

from dgno_core.models import read_card, weights_names
from dgno_core.models.release import releases

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    """Write the page."""
    evaluation = json.loads((DOCS / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    cards = {name: read_card(name) for name in weights_names()}
    page = DOCS / "models.md"
    scores = [scores_from(one) for one in evaluation["models"]]
    text = cards_page(cards, scores, evaluation["pictures"], offered=list(releases()))
    page.write_text(text, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
