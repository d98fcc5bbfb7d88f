from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from dgno_core.data.patches import SyntheticPairs
from dgno_core.errors import DGNOError
from dgno_core.models import load_model, read_card
from dgno_core.training import load_config, train_events
from dgno_core.training.events import (
    CheckpointSaved,
    StepDone,
    TrainFinished,
    TrainStarted,
    Validated,
)
from dgno_core.training.step import learning_rate


def finished(events: list) -> Path:
    assert isinstance(events[-1], TrainFinished)
    return events[-1].path


def stop_after(run, steps: int) -> None:
    """Take events until a checkpoint at `steps`, then close the generator, as Stop does."""
    for event in run:
        if isinstance(event, CheckpointSaved) and event.step == steps:
            break
    run.close()


def test_a_run_writes_loadable_weights_with_a_card(config_file: Path) -> None:
    config = load_config(config_file)
    events = list(train_events(config))
    assert isinstance(events[0], TrainStarted)
    assert [e.step for e in events if isinstance(e, StepDone)] == [1, 2, 3, 4, 5, 6]
    path = finished(events)
    model = load_model(path, "cpu")
    assert model.config == config.model
    card = read_card(path)
    assert card.name == "tiny"
    assert "6 steps" in card.budget
    assert str(config_file.parent) not in card.model_dump_json(), "a path of this computer"
    logged = [json.loads(line) for line in (config.out / "log.jsonl").read_text().splitlines()]
    assert [entry["event"] for entry in logged] == [type(e).__name__ for e in events]


def test_an_interrupted_run_goes_on_bit_for_bit(config_file: Path) -> None:
    whole = load_config(config_file, ["out=" + str(config_file.parent / "whole")])
    halves = load_config(config_file, ["out=" + str(config_file.parent / "halves")])
    losses = [e.loss for e in train_events(whole) if isinstance(e, StepDone)]
    stop_after(train_events(halves), 3)
    torch.rand(5)  # whatever else happens in between must not matter
    rest = list(train_events(halves, resume=True))
    assert [e.loss for e in rest if isinstance(e, StepDone)] == losses[3:]
    one, other = (load_model(c.out / "tiny.safetensors", "cpu") for c in (whole, halves))
    for (name, a), b in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_a_folder_with_a_run_is_not_overwritten(config_file: Path) -> None:
    config = load_config(config_file)
    stop_after(train_events(config), 3)
    with pytest.raises(DGNOError, match="--resume"):
        next(train_events(config))


def test_resuming_without_a_checkpoint_says_so(config_file: Path) -> None:
    with pytest.raises(DGNOError, match="no checkpoint"):
        next(train_events(load_config(config_file), resume=True))


def test_a_damaged_checkpoint_says_so(config_file: Path) -> None:
    config = load_config(config_file)
    stop_after(train_events(config), 3)
    path = config.out / "last.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DGNOError, match="damaged"):
        next(train_events(config, resume=True))


def test_a_checkpoint_of_another_version_says_so(config_file: Path) -> None:
    config = load_config(config_file)
    stop_after(train_events(config), 3)
    content = torch.load(config.out / "last.pt", weights_only=True)
    del content["start"]
    torch.save(content, config.out / "last.pt")
    with pytest.raises(DGNOError, match="another version"):
        next(train_events(config, resume=True))


def test_a_full_disk_keeps_the_checkpoint_before(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(config_file)
    run = train_events(config)
    while not isinstance(next(run), CheckpointSaved):
        pass

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(DGNOError, match="space"):
        list(run)
    monkeypatch.undo()
    assert not list(config.out.glob("*.part"))
    first = next(train_events(config, resume=True))
    assert isinstance(first, TrainStarted)
    assert first.step == 3


def test_a_loss_that_is_not_finite_stops_the_run(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = SyntheticPairs.batch

    def broken(self: SyntheticPairs, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        degraded, sharp = batch(self, number)
        return degraded, sharp * (float("nan") if number == 4 else 1)

    monkeypatch.setattr(SyntheticPairs, "batch", broken)
    with pytest.raises(DGNOError, match="step 5"):
        list(train_events(load_config(config_file)))
    assert (config_file.parent / "run" / "last.pt").is_file()


def test_learning_rate_warms_up_and_falls(config_file: Path) -> None:
    optim = load_config(config_file).optim
    rates = [learning_rate(step, 100, optim) for step in range(100)]
    assert rates[0] == optim.lr / 2
    assert max(rates) == optim.lr
    assert rates[-1] < 0.02 * optim.lr
    assert rates[2:] == sorted(rates[2:], reverse=True)


def test_training_lowers_the_loss(config_file: Path) -> None:
    config = load_config(
        config_file,
        ["steps=40", "optim.lr=0.003", "validation.every=100", "checkpoint_every=100",
         "model.lifting.routing_noise=false"],
    )  # fmt: skip
    losses = [e.loss for e in train_events(config) if isinstance(e, StepDone)]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])


def test_a_gradient_that_is_not_finite_leaves_the_checkpoint_sound(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(config_file, ["checkpoint_every=1"])
    step = torch.nn.utils.clip_grad_norm_

    def poisoned(parameters, **settings: object) -> torch.Tensor:
        parameters = list(parameters)
        if poisoned.calls == 2:
            parameters[0].grad.fill_(float("inf"))
        poisoned.calls += 1
        return step(parameters, **settings)

    poisoned.calls = 0
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", poisoned)
    with pytest.raises(DGNOError, match="gradient is inf at step 3"):
        list(train_events(config))
    monkeypatch.undo()
    content = torch.load(config.out / "last.pt", weights_only=True)
    assert content["step"] == 2
    assert all(t.isfinite().all() for t in content["model"].values())
    finished(list(train_events(config, resume=True)))


def test_resuming_a_finished_run_keeps_its_scores(config_file: Path) -> None:
    config = load_config(config_file)
    card = read_card(finished(list(train_events(config))))
    assert card.scores
    again = read_card(finished(list(train_events(config, resume=True))))
    assert again == card


def test_a_recipe_changed_on_the_way_is_in_the_card(config_file: Path) -> None:
    stop_after(train_events(load_config(config_file)), 3)
    changed = load_config(config_file, ["optim.lr=0.0001", "data.degrade.max_width=3"])
    recipe = json.loads(read_card(finished(list(train_events(changed, resume=True)))).recipe)
    assert recipe["optim"]["lr"] == 0.0001
    (before,) = recipe["history"]
    assert before["up to step"] == 3
    assert before["recipe"]["data"]["degrade"]["max_width"] == 8.0


def test_another_network_is_not_resumed(config_file: Path) -> None:
    stop_after(train_events(load_config(config_file)), 3)
    with pytest.raises(DGNOError, match="another network"):
        next(train_events(load_config(config_file, ["model.flux=upwind"]), resume=True))


@pytest.mark.parametrize(("element", "crop"), [(5, 40), (16, 64)])
def test_other_element_sizes_train_and_restore(config_file: Path, element: int, crop: int) -> None:
    from dgno_core import restore

    sizes = [f"model.element={element}", f"crop={crop}", "steps=1"]
    model = load_model(finished(list(train_events(load_config(config_file, sizes)))), "cpu")
    assert model.card is not None
    assert model.card.tile % model.card.multiple == 0
    image = np.random.default_rng(0).integers(0, 255, (50, 70), np.uint8)
    assert restore(image, model).shape == (50, 70)


def test_an_output_folder_that_cannot_be_made_says_so(config_file: Path) -> None:
    config = load_config(config_file, [f"out={config_file}/inside-a-file"])
    with pytest.raises(DGNOError, match="choose another"):
        next(train_events(config))


def test_weights_that_are_not_finite_are_never_saved(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without clipping, the gradient is looked at."""
    config = load_config(config_file, ["checkpoint_every=1", "optim.clip=null"])
    real = torch.nn.utils.clip_grad_norm_
    calls = []

    def poisoned(parameters: object, **settings: object) -> torch.Tensor:
        calls.append(settings["max_norm"])
        parameters = list(parameters)  # type: ignore[call-overload]
        if len(calls) == 3:
            parameters[0].grad.fill_(float("nan"))
        return real(parameters, **settings)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", poisoned)
    with pytest.raises(DGNOError, match="gradient is nan at step 3"):
        list(train_events(config))
    assert calls == [float("inf")] * 3
    content = torch.load(config.out / "last.pt", weights_only=True)
    assert content["step"] == 2
    assert all(t.isfinite().all() for t in content["model"].values())


def test_the_average_lags_behind_and_is_what_is_written(config_file: Path) -> None:
    config = load_config(config_file, ["optim.ema=0.5", "optim.lr=0.01"])
    path = finished(list(train_events(config)))
    content = torch.load(config.out / "last.pt", weights_only=True)
    written = load_model(path, "cpu").state_dict()
    moved = 0
    for key, average in content["average"].items():
        torch.testing.assert_close(written[key], average, rtol=1e-3, atol=1e-4)
        moved += not torch.equal(average, content["model"][key])
    assert moved > 50
    first = load_config(config_file, ["optim.ema=0", "steps=1", f"out={config.out}-none"])
    list(train_events(first))
    content = torch.load(first.out / "last.pt", weights_only=True)
    assert all(torch.equal(content["average"][k], content["model"][k]) for k in content["model"])


def test_the_best_score_is_remembered(config_file: Path) -> None:
    config = load_config(config_file)
    run = train_events(config)
    for event in run:
        if isinstance(event, CheckpointSaved) and event.step == 3:
            break
    run.close()
    content = torch.load(config.out / "last.pt", weights_only=True)
    torch.save(content | {"best": 99.0}, config.out / "last.pt")
    checks = [e for e in train_events(config, resume=True) if isinstance(e, Validated)]
    assert [check.is_best for check in checks] == [False]


@pytest.mark.parametrize("content", ["constant", "nan"])
def test_images_that_show_nothing_are_refused(config_file: Path, content: str) -> None:
    import tifffile

    image = np.full((80, 96), 3.0, np.float32)
    if content == "nan":
        image[:9] = np.arange(9, dtype=np.float32)[:, None]
        image[5, 5] = np.nan
    tifffile.imwrite(config_file.parent / "odd.tif", image)
    (config_file.parent / "list.txt").write_text("odd.tif\ncell_0.png\ncell_1.png\n")
    config = load_config(config_file)
    with pytest.raises(DGNOError, match="one intensity" if content == "constant" else "NaN"):
        list(train_events(config))
    assert not config.out.exists(), "a refused run leaves nothing"


def test_a_refused_resume_changes_nothing(config_file: Path) -> None:
    config = load_config(config_file)
    list(train_events(config))
    before = {path: path.read_bytes() for path in config.out.rglob("*") if path.is_file()}
    for settings, complaint in (
        (["data.root=nowhere"], "no folder"),
        (["model.width=16"], "another network"),
        (["steps=2"], "already at step 6"),
    ):
        with pytest.raises(DGNOError, match=complaint):
            list(train_events(load_config(config_file, settings), resume=True))
        after = {path: path.read_bytes() for path in config.out.rglob("*") if path.is_file()}
        assert after == before
    with pytest.raises(DGNOError, match="no checkpoint"):
        next(train_events(load_config(config_file, [f"out={config.out}-never"]), resume=True))
    assert not Path(f"{config.out}-never").exists()


def test_errors_do_not_advise_what_cannot_be_done(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(config_file, ["checkpoint_every=1"])

    def full(*_: object) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672]")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DGNOError, match="free some space on the disk, then start again") as caught:
        list(train_events(config))
    assert "enforce" not in str(caught.value)
    monkeypatch.undo()

    import shutil

    run = train_events(load_config(config_file, ["checkpoint_every=2", f"out={config.out}-2"]))
    for event in run:
        if isinstance(event, StepDone):
            break
    shutil.rmtree(f"{config.out}-2")
    with pytest.raises(DGNOError, match="is gone"):
        list(run)


def test_events_are_json_also_for_perfect_images() -> None:
    event = Validated(3, float("inf"), 30.0, 0.9, is_best=True)
    text = json.dumps(event.to_dict(), allow_nan=False)
    assert json.loads(text)["blurred"] is None


def test_crops_larger_than_the_images_are_told(config_file: Path) -> None:
    events = train_events(load_config(config_file, ["crop=128"]))
    first = next(events)
    events.close()
    assert isinstance(first, TrainStarted)
    assert "less than a crop of 128" in first.notes[0]
