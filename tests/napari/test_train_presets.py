"""Presets that keep their promise, and sentences that name what the panel has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import dgno_core
from napari_dgno._train_presets import (
    FEWEST_STEPS,
    PRESETS,
    Pace,
    count_steps,
    in_numbers,
    in_time,
    validate_every,
)
from napari_dgno._train_words import in_panel_words

CORE = Path(dgno_core.__file__).parent


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


def test_a_fast_computer_does_not_overdo_it_and_a_slow_one_says_so() -> None:
    preset = PRESETS["quick"]
    assert count_steps(preset, Pace(0.001, 0.01)) == preset.steps
    slow = Pace(60, 200)
    assert count_steps(preset, slow) == FEWEST_STEPS
    assert in_time(FEWEST_STEPS, slow) == "about 1 h 3 min on this computer (60.0 s a step)"


def test_wishes_and_the_paper_are_taken_as_they_are() -> None:
    assert count_steps(PRESETS["quick"], Pace(1, 1), 77) == 77
    assert count_steps(PRESETS["paper"], Pace(1, 1)) == 300_000
    assert "days" in in_time(300_000, Pace(10, 1))


@pytest.mark.parametrize("steps", [1, 9, 30, 300, 12_345])
def test_every_run_is_validated(steps: int) -> None:
    assert 1 <= validate_every(steps) <= steps


def test_a_single_crop_is_counted_as_one() -> None:
    assert in_numbers(300, 1, 96) == "300 steps of 1 crop of 96 × 96 pixels"
    assert in_numbers(None, 4, 96) == "Steps of 4 crops of 96 × 96 pixels"


#: What nobody in front of the panel has: options of the command and settings in a file.
KEYS = re.compile(r"--[a-z]|\b(data|optim|engine|loss|model)\.[a-z_]+\b|`model`|dgno[ -][a-z]")
#: Files of the core whose sentences the Train panel shows.
SHOWN = [
    *(CORE / "training").glob("*.py"),
    *(CORE / "data" / name for name in (
        "pair_check.py", "paired_folders.py", "paired_patches.py", "pairs.py", "sharp_images.py",
        "stack_pairs.py", "stack_planes.py", "focus_curve.py",
    )),
]  # fmt: skip
#: Sentences that no setting of the panel can bring about.
UNREACHABLE = ("config_faults.py", "config_file.py", "recipes.py")


def sentences() -> list[str]:
    """Return the texts in the core that name keys, with a word for each value."""
    found = []
    for path in SHOWN:
        if path.name in UNREACHABLE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = _text(node)
            if KEYS.search(text):
                found.append(text)
    return found


def _text(node: ast.AST) -> str:
    """Return a sentence with values in it, or the plain one of an error."""
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
        return "".join(map(str, parts))
    is_error = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "DGNOError"
    plain = is_error and node.args and isinstance(node.args[0], ast.Constant)
    return str(node.args[0].value) if plain else ""


def test_the_panel_names_no_setting_that_it_does_not_have() -> None:
    assert len(sentences()) >= 5
    left = [said for text in sentences() if KEYS.search(said := in_panel_words(text))]
    assert left == []


def test_a_smaller_crop_is_asked_for_where_it_can_be_chosen() -> None:
    said = in_panel_words(
        "An image has 72 x 112 pixels, less than a crop of 96: crops are continued by their "
        "mirror image. A smaller crop would be better."
    )
    assert said.endswith("mirror image. Choose a smaller crop under Advanced.")
