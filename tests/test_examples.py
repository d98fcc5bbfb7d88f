"""The examples in docstrings and on the pages of the documentation do what they say."""

from __future__ import annotations

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import dgno_core

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PACKAGES = (
    "data",
    "detection",
    "evaluation",
    "focus",
    "inference",
    "interpretation",
    "io",
    "losses",
    "metrics",
    "models",
    "numerics",
    "optics",
    "training",
)
WITH_EXAMPLES = {
    "restore",
    "Restorer",
    "train",
    "build_model",
    "load_model",
    "metrics.psnr",
    "metrics.ssim",
    "metrics.average_precision",
    "metrics.effective_rank",
    "focus.best_plane",
    "focus.all_in_focus",
    "numerics.dg_integral",
    "numerics.galerkin_integral",
    "numerics.selective_scan",
    "optics.pupil_psf",
    "optics.blur_varying",
    "data.find_dataset",
}


def modules_with_examples() -> list[str]:
    """Names of the modules of the core that have an example in a docstring."""
    source = Path(dgno_core.__file__).parent
    return [
        ".".join(path.relative_to(source.parent).with_suffix("").parts)
        for path in sorted(source.rglob("*.py"))
        if ">>> " in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_of_docstrings_run(name: str) -> None:
    tested = doctest.testmod(importlib.import_module(name))
    assert tested.attempted
    assert not tested.failed


@pytest.mark.parametrize("name", sorted(WITH_EXAMPLES))
def test_main_public_names_have_an_example(name: str) -> None:
    found: object = dgno_core
    for part in name.split("."):
        found = getattr(found, part)
    assert ">>> " in (found.__doc__ or "")


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_is_there(name: str) -> None:
    package = getattr(dgno_core, name)
    assert package.__all__
    for public in package.__all__:
        assert getattr(package, public) is not None, public


def python_of(page: Path) -> Iterator[str]:
    """Blocks of Python on a page."""
    parts = page.read_text(encoding="utf-8").split("```python\n")
    yield from (part.partition("```")[0] for part in parts[1:])


def imported(code: str) -> Iterator[tuple[str, str]]:
    """Modules of the core that a block imports names from, with each name."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("dgno_core"):
            yield from ((str(node.module), alias.name) for alias in node.names)


def test_there_are_examples_on_the_pages() -> None:
    assert len([code for page in PAGES for code in python_of(page)]) > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_import_public_names(page: Path) -> None:
    for code in python_of(page):
        for module, name in imported(code):
            assert module == "dgno_core" or module.removeprefix("dgno_core.") in PACKAGES, module
            assert name in importlib.import_module(module).__all__, f"{module}.{name}"
