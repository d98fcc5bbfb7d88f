"""Put the result of a training run into the package, with its scores in the card.

The card's words come from the run's config; its scores from the evaluation page that
``dgno evaluate`` made with these weights. Run it once to install the weights, evaluate, and once
more to add the scores:

    python scripts/package_weights.py runs/dgno-cell-small
    dgno evaluate --data ../shared/data --out docs/evaluation --model all
    python scripts/package_weights.py runs/dgno-cell-small --scores docs/evaluation/evaluation.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from dgno_core.models import load_model, read_card, save_model
from dgno_core.models.weights import PACKAGED
from dgno_core.training import load_config
from dgno_core.training.events import StepDone
from dgno_core.training.runs.record import read_events

CONFIGS = Path(__file__).parents[1] / "src" / "dgno_core" / "configs"
STACK_PLANES = (-9, -6, -4, -1, 1, 4, 6, 9)


def hours(log: Path) -> float:
    """Wall clock that the steps of a run took, in hours."""
    # A resumed run repeats the steps since its last checkpoint: each counts once.
    steps = {event.step: event.seconds for event in read_events(log) if isinstance(event, StepDone)}
    return sum(steps.values()) / 3600


def scores(evaluation: dict[str, Any], weights_sha256: str) -> dict[str, float]:
    """Scores of these weights: of each group that they restore, and of the real stack."""
    judged = {model["weights_sha256"]: model for model in evaluation["models"]}
    assert weights_sha256 in judged, "the evaluation is of other weights"
    model = judged[weights_sha256]
    found: dict[str, float] = {}
    for row in model["groups"]:
        group = row["group"]
        found[f"{group}: blurred, dB"] = round(row["means"]["blurred"][0], 2)
        found[f"{group}: restored, dB"] = round(row["means"]["ours"][0], 2)
        found[f"{group}: sharp input against itself, dB"] = round(row["identity"], 2)
    for plane in model["stack"]:
        name = f"real stack, plane {plane['depth']:+d}: "
        if plane["depth"] in STACK_PLANES and plane["gain"] is not None:
            found[f"{name}gain, dB"] = round(plane["gain"], 2)
    return found


def main() -> None:
    """Write the weights file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--scores", type=Path, help="evaluation.json made with these weights")
    parser.add_argument("--note", default="", help="what else to say about how they were made")
    arguments = parser.parse_args()
    run: Path = arguments.run
    model = load_model(run / f"{run.name}.safetensors", "cpu")
    assert model.card is not None
    text = load_config(CONFIGS / f"{run.name}.yaml", ["data.root=."]).card
    time = f"{hours(run / 'log.jsonl'):.1f} h on one CPU core"
    update: dict[str, Any] = {
        **text.model_dump(),
        "budget": "; ".join(filter(None, (model.card.budget, time, arguments.note))),
        "version": "0.1",
    }
    if arguments.scores:
        evaluation = json.loads(arguments.scores.read_text())
        packaged = read_card(PACKAGED / f"{run.name}.safetensors").weights_sha256
        update["scores"] = model.card.scores | scores(evaluation, packaged)
    card = model.card.changed(**update)
    PACKAGED.mkdir(exist_ok=True)
    path = PACKAGED / f"{run.name}.safetensors"
    save_model(model, card, path, dtype=torch.float16)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
