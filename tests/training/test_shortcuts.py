from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dgno_core import DGNOError, train
from dgno_core.training import TrainConfig, load_config, shortcuts
from dgno_core.training.events import TrainEvent, TrainFinished, TrainStopped, Validated


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[TrainConfig]:
    """Settings of the runs that were begun; none of them trains."""
    runs: list[TrainConfig] = []

    def events(config: TrainConfig, *, resume: bool) -> Iterator[TrainEvent]:
        runs.append(config)
        yield Validated(3, 20.0, 21.0, 0.8, True)
        yield Validated(6, 20.0, 22.0, 0.9, True)
        if resume:
            yield TrainStopped(6, 9, "as asked", tmp_path / "last.safetensors")
        else:
            yield TrainFinished(6, tmp_path / "last.safetensors", tmp_path / "best.safetensors")

    monkeypatch.setattr(shortcuts, "train_events", events)
    return runs


def test_a_run_returns_its_weights_and_its_last_validation(
    seen: list[TrainConfig], config_file: Path, tmp_path: Path
) -> None:
    result = train(config_file)
    assert (result.weights, result.best) == (
        tmp_path / "last.safetensors",
        tmp_path / "best.safetensors",
    )
    assert result.step == 6
    assert result.stopped is None
    assert result.validation is not None
    assert result.validation.psnr == 22.0
    assert seen == [load_config(config_file)]


def test_a_run_that_was_stopped_says_why(seen: list[TrainConfig], config_file: Path) -> None:
    result = train(config_file, resume=True)
    assert (result.stopped, result.best) == ("as asked", None)


def test_a_file_and_its_settings_take_the_same_overrides(
    seen: list[TrainConfig], config_file: Path, tmp_path: Path
) -> None:
    overrides = {"steps": 9, "optim": {"lr": 5e-5}, "out": tmp_path / "elsewhere"}
    train(config_file, **overrides)
    train(load_config(config_file), **overrides)
    assert seen[0] == seen[1]
    assert (seen[0].steps, seen[0].optim.lr, seen[0].optim.warmup) == (9, 5e-5, 2)


def test_another_kind_replaces_a_group(seen: list[TrainConfig], config_file: Path) -> None:
    data = {"kind": "folders", "blurred": "blurred", "sharp": "sharp"}
    for config in (config_file, load_config(config_file)):
        train(config, data=data, model={"base": "dgno-cell-small"})
    assert [run.data.kind for run in seen] == ["folders", "folders"]
    assert [run.model.width for run in seen] == [16, 16]


@pytest.mark.parametrize("as_file", [True, False])
@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [({"stepz": 9}, "there is no setting stepz"), ({"optim": {"lr": -1}}, "optim.lr")],
)
def test_a_setting_that_makes_no_sense_is_one_sentence(
    seen: list[TrainConfig],
    config_file: Path,
    as_file: bool,
    overrides: dict[str, object],
    complaint: str,
) -> None:
    with pytest.raises(DGNOError, match=complaint):
        train(config_file if as_file else load_config(config_file), **overrides)
    assert not seen
