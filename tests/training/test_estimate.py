"""What a run is said to cost, before it begins."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dgno_core.errors import DGNOError
from dgno_core.training import estimate as estimate_module
from dgno_core.training import load_config, train_events
from dgno_core.training.estimate import Estimate, estimate, estimate_events, needed_bytes
from dgno_core.training.events import StepDone


def test_no_file_is_needed_to_tell_the_time(config_file: Path) -> None:
    config = load_config(config_file, ["data.root=nowhere", "batch=4"])
    first, *rest = estimate_events(config)
    assert len(rest) == estimate_module.TIMED_STEPS
    assert min(first.step_seconds, first.validation_seconds, first.total_seconds(config)) > 0
    assert rest[-1].parameters == first.parameters
    assert not config.out.exists()
    assert list(config_file.parent.glob("nowhere")) == []


@pytest.fixture
def own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the time of this process's own work, whatever else the machine does."""
    monkeypatch.setattr(time, "perf_counter", time.process_time)


@pytest.mark.usefixtures("own_time")
def test_the_time_told_is_the_time_taken(config_file: Path) -> None:
    config = load_config(config_file, ["steps=8", "validation.every=100", "batch=4"])
    told = estimate(config).step_seconds
    taken = sorted(e.seconds for e in train_events(config) if isinstance(e, StepDone))
    assert taken[0] / 4 < told < 4 * taken[-1]


@pytest.mark.usefixtures("own_time")
def test_a_slow_step_is_not_taken_whole(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate_module, "PATIENCE", 0.0)
    config = load_config(config_file, ["batch=512", "accumulate=4"])
    began = time.perf_counter()
    (only,) = estimate_events(config)
    assert only.step_seconds > 4 * (time.perf_counter() - began), "one crop, and extrapolated"


def test_validations_and_the_preparation_of_batches_count(config_file: Path) -> None:
    config = load_config(config_file, ["steps=7", "accumulate=2"])
    assert Estimate(1, 1, 10.0, 3.0, 100.0).total_seconds(config) == 7 * (10 + 6) + 3 * 100
    ahead = load_config(config_file, ["steps=7", "accumulate=2", "engine.workers=2"])
    assert Estimate(1, 1, 10.0, 3.0, 100.0).total_seconds(ahead) == 7 * 10 + 3 * 100


def test_memory_is_in_proportion_to_the_crops(config_file: Path) -> None:
    small, large = (
        needed_bytes(load_config(config_file, settings))
        for settings in ([], ["batch=4", "crop=64"])
    )
    assert 4 * small < large <= 8 * small


def test_what_no_memory_holds_is_refused_before_anything_is_read(config_file: Path) -> None:
    config = load_config(config_file, ["batch=4096", "crop=4096", "data.root=nowhere"])
    with pytest.raises(DGNOError, match=r"4096 crops of 4096 pixels takes about [\d,]+ GB"):
        next(estimate_events(config))
