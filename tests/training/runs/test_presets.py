"""Presets that keep their promise."""

from __future__ import annotations

import pytest

from dgno_core.training.runs.presets import (
    FEWEST_STEPS,
    PRESETS,
    Pace,
    count_steps,
    validate_every,
)


@pytest.mark.parametrize("step", [0.3, 1.0, 4.2])
@pytest.mark.parametrize("validation", [0.0, 3.0, 10.0])
@pytest.mark.parametrize("key", ["quick", "normal"])
def test_a_preset_takes_the_time_that_it_promises(key: str, step: float, validation: float) -> None:
    preset, pace = PRESETS[key], Pace(step, validation)
    steps = count_steps(preset, pace)
    if steps < preset.steps:
        assert 0.85 * 60 * preset.minutes < pace.seconds(steps) <= 60 * preset.minutes
    else:
        assert pace.seconds(steps) <= 60 * preset.minutes


def test_a_fast_computer_does_not_overdo_it_and_a_slow_one_does_enough() -> None:
    preset = PRESETS["quick"]
    assert count_steps(preset, Pace(0.001, 0.01)) == preset.steps
    slow = Pace(60, 200)
    assert count_steps(preset, slow) == FEWEST_STEPS


def test_wishes_and_the_paper_are_taken_as_they_are() -> None:
    assert count_steps(PRESETS["quick"], Pace(1, 1), 77) == 77
    assert count_steps(PRESETS["paper"], Pace(1, 1)) == 300_000


@pytest.mark.parametrize("steps", [1, 9, 30, 300, 12_345])
def test_every_run_is_validated(steps: int) -> None:
    assert 1 <= validate_every(steps) <= steps
