"""Sentences that name what the panel has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import dgno_core
from dgno_core.training.runs.presets import FEWEST_STEPS, Pace
from napari_dgno.train.words import in_numbers, in_panel_words, in_time

CORE = Path(dgno_core.__file__).parent


def test_a_time_is_told_in_words() -> None:
    slow = "about 1 h 3 min on this computer (60.0 s a step)"
    assert in_time(FEWEST_STEPS, Pace(60, 200)) == slow
    assert "days" in in_time(300_000, Pace(10, 1))


def test_a_single_crop_is_counted_as_one() -> None:
    assert in_numbers(300, 1, 96) == "300 steps of 1 crop of 96 × 96 pixels"
    assert in_numbers(None, 4, 96) == "Steps of 4 crops of 96 × 96 pixels"


#: What nobody in front of the panel has: options of the command and settings in a file.
KEYS = re.compile(r"--[a-z]|\b(data|optim|engine|loss|model)\.[a-z_]+\b|`model`|dgno[ -][a-z]")
#: Files of the core whose sentences the Train panel shows.
SHOWN = [
    *(CORE / "training").rglob("*.py"),
    *(CORE / "focus").glob("*.py"),
    *(CORE / "data" / name for name in (
        "grey.py", "paired_folders.py", "pairs.py", "patches.py", "sharp_images.py",
        "stack_planes.py",
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
