"""What a run leaves in its folder, and what it makes of bad data."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from dgno_core.data.patches import SyntheticPairs
from dgno_core.errors import DGNOError
from dgno_core.models import load_model, read_card
from dgno_core.training import load_config, train_events
from dgno_core.training.events import (
    BatchSkipped,
    PictureSaved,
    StepDone,
    TrainFinished,
    TrainStarted,
    Validated,
)


def test_logs_pictures_and_the_best_weights(config_file: Path) -> None:
    config = load_config(config_file)
    events = list(train_events(config))
    with (config.out / "log.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert [row["step"] for row in rows] == ["1", "2", "3", "3", "4", "5", "6", "6"]
    checks = [e for e in events if isinstance(e, Validated)]
    assert [float(row["psnr"]) for row in rows if row["psnr"]] == [e.psnr for e in checks]
    assert all(0 <= e.waited <= e.seconds for e in events if isinstance(e, StepDone))

    best = max(checks, key=lambda e: e.psnr)
    assert best.is_best
    last = events[-1]
    assert isinstance(last, TrainFinished)
    assert last.best == config.out / "best.safetensors"
    card = read_card(last.best)
    assert card.scores["validation: restored, dB"] == best.psnr
    assert card.budget.startswith(f"{best.step} steps")

    pictures = [e.path for e in events if isinstance(e, PictureSaved)]
    assert len(pictures) == 4, "two held-out images at two validations"
    with Image.open(pictures[0]) as picture:
        # Three images of 80 x 96 and two gaps.
        assert picture.size == (3 * 96 + 2 * 4, 80)


def test_validation_scores_whole_images_by_the_averaged_weights(config_file: Path) -> None:
    from dgno_core.training.sources import open_data

    config = load_config(config_file)
    events = list(train_events(config))
    model = load_model(config.out / "tiny.safetensors", "cpu")
    held_out = open_data(config).held_out
    assert [image.sharp.shape for image in held_out] == [(1, 80, 96)] * 2
    with torch.inference_mode():
        errors = [(model(i.blurred[None])[-1][0] - i.sharp).square().mean() for i in held_out]
    expected = float(np.mean([-10 * float(error.log10()) for error in errors]))
    (check,) = [e for e in events if isinstance(e, Validated) and e.step == 6]
    assert check.psnr == pytest.approx(expected, abs=0.02), "stored as float16"


def test_an_unreadable_batch_is_replaced_and_told(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = SyntheticPairs.batch

    def torn(self: SyntheticPairs, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        if number == 3:
            raise DGNOError("cell_2.png is damaged.")
        return batch(self, number)

    monkeypatch.setattr(SyntheticPairs, "batch", torn)
    events = list(train_events(load_config(config_file)))
    assert [e for e in events if isinstance(e, BatchSkipped)] == [
        BatchSkipped(4, "cell_2.png is damaged.")
    ]
    assert isinstance(events[-1], TrainFinished)

    def worn(self: SyntheticPairs, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        raise DGNOError("cell_2.png is damaged.")

    monkeypatch.setattr(SyntheticPairs, "batch", worn)
    with pytest.raises(DGNOError, match=r"damaged\. 4 batches in a row"):
        list(train_events(load_config(config_file, [f"out={config_file.parent / 'other'}"])))


def test_a_batch_that_breaks_the_loss_is_kept(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = SyntheticPairs.batch

    def broken(self: SyntheticPairs, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        degraded, sharp = batch(self, number)
        return degraded, sharp * (float("nan") if number == 4 else 1)

    monkeypatch.setattr(SyntheticPairs, "batch", broken)
    config = load_config(config_file)
    with pytest.raises(DGNOError, match="its sharp images hold values that are not finite"):
        list(train_events(config))
    kept = load_file(config.out / "not-finite-step-000005.safetensors")
    assert kept["blurred"].shape == kept["sharp"].shape == (2, 1, 32, 32)
    assert kept["sharp"].isnan().all()


def test_fine_tuning_starts_from_given_weights(config_file: Path) -> None:
    first = load_config(config_file, ["card={data: [made-up spots], licences: [CC0]}"])
    list(train_events(first))
    given = first.out / "tiny.safetensors"
    tree = config_file.read_text()
    head, _, tail = tree.partition("model:")
    without = head + tail[tail.index("name:") :]
    again = config_file.with_name("again.yaml")
    again.write_text(without + f"\nstart: {given}\n")
    second = load_config(
        again,
        [
            f"out={config_file.parent / 'second'}",
            "optim.lr=1e-9",
            "optim.final_lr=0",
            "steps=1",
            "card={data: [more spots], licences: [CC0]}",
        ],
    )
    assert second.model == first.model
    events = list(train_events(second))
    assert isinstance(events[-1], TrainFinished)
    before, after = (load_model(path, "cpu").state_dict() for path in (given, events[-1].path))
    for key in before:
        torch.testing.assert_close(after[key], before[key], atol=1e-6, rtol=1e-3)
    card, earlier = read_card(events[-1].path), read_card(given)
    assert json.loads(card.recipe)["start"] == {
        "name": "tiny", "weights_sha256": earlier.weights_sha256,
    }  # fmt: skip
    assert card.data == ("made-up spots", "more spots")
    assert card.licences == ("CC0",)

    face = load_config(
        config_file,
        [f"out={config_file.parent / 'face'}", f"start={given}", "model.formulation=face",
         "steps=1", "optim.lr=1e-9", "optim.final_lr=0"],
    )  # fmt: skip
    path = list(train_events(face))[-1].path
    assert read_card(path).config == face.model != first.model
    for key, value in load_model(path, "cpu").state_dict().items():
        torch.testing.assert_close(value, before[key], atol=1e-6, rtol=1e-3)

    other = load_config(
        config_file, [f"out={config_file.parent / 'third'}", f"start={given}", "model.width=16"]
    )
    with pytest.raises(DGNOError, match="another network"):
        list(train_events(other))


@pytest.mark.parametrize("extra", [False, True])
def test_efcr_recipes_train(config_file: Path, extra: bool) -> None:
    settings = ["loss={pixel: l1, efcr: {beta: 0.001}}", "steps=2"]
    if extra:
        source = "{kind: synthetic, root: ., sources: [{list: list.txt}]}"
        settings.append(f"extra={source.replace('list.txt', str(config_file.parent / 'list.txt'))}")
        settings[-1] = settings[-1].replace("root: .", f"root: {config_file.parent}")
    config = load_config(config_file, settings)
    events = list(train_events(config))
    assert isinstance(events[0], TrainStarted)
    losses = [e.loss for e in events if isinstance(e, StepDone)]
    plain = load_config(
        config_file, ["loss={pixel: l1}", "steps=2", f"out={config_file.parent / 'plain'}"]
    )
    others = [e.loss for e in train_events(plain) if isinstance(e, StepDone)]
    assert losses[0] > others[0], "the regularisation is added"
    assert losses[0] == pytest.approx(others[0], abs=0.1)
    with pytest.raises(DGNOError, match=r"serve loss\.efcr"):
        load_config(config_file, [*settings[1:], "loss={pixel: l1}"] if extra else
                    ["extra={kind: synthetic, root: ., sources: [{list: a}]}"])  # fmt: skip


def test_tensorboard_is_written_where_it_is_installed(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util
    import sys
    from types import ModuleType

    written: list[tuple[str, int]] = []

    class Writer:
        def __init__(self, folder: str) -> None:
            assert folder == str(config_file.parent / "run")

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, step))

        def close(self) -> None:
            written.append(("closed", -1))

    fake = ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: name == "tensorboard" or find(name)
    )
    list(train_events(load_config(config_file, ["engine.tensorboard=true", "steps=3"])))
    assert ("loss", 3) in written
    assert ("psnr", 3) in written
    assert written[-1] == ("closed", -1)
