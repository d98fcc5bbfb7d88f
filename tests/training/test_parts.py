"""A run in parts is one run: begun, stopped, resumed and told of as one."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from dgno_core.models import load_model, read_card
from dgno_core.training import load_config, train_events
from dgno_core.training.events import StepDone, TrainFinished, TrainStopped
from dgno_core.training.recipes import find_recipe
from dgno_core.training.runs.lock import request_stop
from support.parts import in_two_parts


def same_weights(one: Path, other: Path) -> bool:
    left, right = (load_model(path, "cpu").state_dict() for path in (one, other))
    return all(torch.equal(left[key], right[key]) for key in left)


def test_parts_give_what_two_runs_by_hand_give(config_file: Path) -> None:
    original = config_file.read_text()
    config = load_config(in_two_parts(config_file))
    events = list(train_events(config))
    assert [e.step for e in events if isinstance(e, StepDone)] == [1, 2, 3, 1, 2]
    assert [type(e) for e in events].count(TrainFinished) == 1
    # By hand: a run of six steps that is asked to stop after its third, and one from its weights.
    config_file.write_text(original)
    first = load_config(config_file)
    for event in train_events(first):
        if isinstance(event, StepDone) and event.step == 3:
            request_stop(first.out)
    assert isinstance(event, TrainStopped)
    words = [f"start={event.path}", "steps=2", "seed=5", "data.degrade.max_width=3"]
    second = load_config(config_file, [*words, f"out={config_file.parent / 'hand'}"])
    list(train_events(second))
    assert same_weights(config.weights, second.weights)
    recipe = json.loads(read_card(config.weights).recipe)
    assert recipe["after"]["name"] == "tiny"
    assert (recipe["after"]["steps"], recipe["after"]["horizon"]) == (3, 6)


def test_a_part_that_continues_gives_what_a_resumed_run_gives(config_file: Path) -> None:
    original = config_file.read_text()
    changed = {"continues": True, "steps": 5, "seed": 0}
    config = load_config(in_two_parts(config_file, **changed))
    steps = [e.step for e in train_events(config) if isinstance(e, StepDone)]
    assert steps == [1, 2, 3, 4, 5]
    config_file.write_text(original)
    for event in train_events(load_config(config_file)):
        if isinstance(event, StepDone) and event.step == 3:
            request_stop(config_file.parent / "run")
    other = load_config(config_file, ["steps=5", "data.degrade.max_width=3"])
    list(train_events(other, resume=True))
    assert same_weights(config.weights, other.weights)


def test_a_run_that_stops_in_its_first_part_is_resumed_there(config_file: Path) -> None:
    path = in_two_parts(config_file)
    whole = load_config(path, [f"out={config_file.parent / 'whole'}"])
    list(train_events(whole))
    config = load_config(path)
    events = []
    for event in train_events(config):
        events.append(event)
        if isinstance(event, StepDone) and event.step == 2:
            request_stop(config.out)
    assert isinstance(events[-1], TrainStopped)
    rest = list(train_events(config, resume=True))
    assert [e.step for e in rest if isinstance(e, StepDone)] == [3, 1, 2]
    assert same_weights(config.weights, whole.weights)


def test_the_packaged_recipe_repeats_its_parts_by_one_command() -> None:
    config = load_config(find_recipe("dgno-cell-small"), ["data.root=images", "engine.device=cpu"])
    assert [(part.name, part.steps, part.planned) for part in config.parts] == [
        ("dgno-cell-small-first", 3000, 3000),
        ("dgno-cell-small-second", 1882, 3000),
        ("dgno-cell-small", 2000, 2000),
    ]
    assert {part.data.root for part in config.parts} == {Path("images")}
    assert {part.engine.device for part in config.parts} == {"cpu"}
    assert len({part.out for part in config.parts}) == 3
    colour = load_config(find_recipe("dgno-cell-small-colour"), ["data.root=images"])
    assert [(part.steps, part.planned, part.data.degrade.tint) for part in colour.parts] == [
        (1800, 2500, 0.0),
        (3200, 3200, 0.15),
    ]
    assert colour.continues
