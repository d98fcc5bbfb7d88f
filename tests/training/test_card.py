"""What the card of trained weights says of them, and of nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dgno_core.models import read_card
from dgno_core.models.card import TrainingProgress
from dgno_core.training import load_config, train_events
from dgno_core.training.events import StepDone, TrainStopped, Validated
from dgno_core.training.runs.lock import request_stop
from dgno_core.training.validation import HeldOutImage, Scores
from napari_dgno.shared.models import summary


def stopped_at(step: int, config_file: Path, *settings: str) -> Path:
    """Weights of a run that was asked to stop."""
    config = load_config(config_file, settings)
    for event in train_events(config):
        if isinstance(event, StepDone) and event.step == step:
            request_stop(config.out)
    assert isinstance(event, TrainStopped)
    return event.path


def test_weights_that_were_never_scored_say_so_wherever_they_are_offered(
    config_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dgno_core.cli.app import app
    from dgno_core.cli.model_table import card_lines
    from dgno_core.cli.running import run

    monkeypatch.setenv("COLUMNS", "300")
    path = stopped_at(2, config_file, "card.title=Spots")
    card = read_card(path)
    assert card.progress == TrainingProgress(step=2, steps=6, validated=None)
    assert not card.is_validated
    assert summary(card).startswith("Not validated, step 2 of 6.")
    assert card_lines(card)["training"] == "not validated, step 2 of 6"
    assert run(app, "dgno", ["models", "--model-folder", str(path.parent)]) == 0
    assert "Spots (not validated, step 2 of 6)" in capsys.readouterr().out
    assert run(app, "dgno", ["models", "--card", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["progress"]["validated"] is None


def test_weights_after_a_validation_tell_its_step_and_score(config_file: Path) -> None:
    config = load_config(config_file)
    path = stopped_at(4, config_file)
    events = [json.loads(line) for line in (config.out / "log.jsonl").read_text().splitlines()]
    (scored,) = [event for event in events if event["event"] == Validated.__name__]
    last, best = read_card(path).progress, read_card(config.out / "best.safetensors").progress
    assert last is not None
    assert (last.step, last.validated, last.psnr) == (4, 3, scored["psnr"])
    assert best is not None
    assert (best.step, best.validated, best.psnr) == (3, 3, scored["psnr"])
    assert last.words() == (
        f"step 4 of 6, validated at step 3: {last.blurred:.2f} -> {last.psnr:.2f} dB"
    )


def test_a_tuned_model_does_not_speak_for_its_ancestor(config_file: Path) -> None:
    settings = ["card={data: [spots], not_for: [stripes], title: Spots}", "card.summary=Sharpens."]
    first = stopped_at(4, config_file, *settings)
    out = f"out={config_file.parent / 'second'}"
    second = read_card(stopped_at(1, config_file, f"start={first}", "steps=5", out))
    assert second.progress == TrainingProgress(step=1, steps=5, validated=None)
    assert second.scores == {}
    assert "stripes" not in second.not_for
    assert "diagnosis" in second.not_for
    assert (second.title, second.summary) == ("", "")
    assert second.data == ("spots",), "these images are still in the weights"
    assert second.budget == "1 steps of 5 of 2 crops of 32 pixels, begun from tiny"


def test_a_perfect_score_leaves_a_readable_card(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dgno_core.training import engine

    def perfect(_: object, images: tuple[HeldOutImage, ...], *__: object) -> list:
        return [(Scores(float("inf"), 30.0, 0.9), image.sharp) for image in images]

    monkeypatch.setattr(engine, "validate", perfect)
    card = read_card(stopped_at(4, config_file))
    assert card.scores["validation: blurred, dB"] == "inf"
    assert card.progress is not None
    assert (card.progress.blurred, card.progress.psnr) == (None, 30.0)
