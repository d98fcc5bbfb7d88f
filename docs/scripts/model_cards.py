"""docs/models.md, from the cards of the packaged weights and docs/evaluation/evaluation.json.

python docs/scripts/model_cards.py
"""

from __future__ import annotations

import json
from pathlib import Path

from dgno_core.evaluation.cards_page import cards_page
from dgno_core.models import read_card, weights_names
from dgno_core.models.release import releases

DOCS = Path(__file__).parents[1]


def main() -> None:
    """Write the page."""
    evaluation = json.loads((DOCS / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    cards = {name: read_card(name) for name in weights_names()}
    page = DOCS / "models.md"
    page.write_text(cards_page(cards, evaluation, offered=list(releases())), encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
