"""The house rules that no reviewer should have to check by eye."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"
FILES = sorted(SRC.rglob("*.py"))
LONGEST_FILE = {"dgno_core": 400, "napari_dgno": 600}  # lines

# What each part of the core may import from the rest of it. `FREE` is open to all.
FREE = {"base_config", "cgroups", "errors", "events", "threads", "version", "wording"}
_SCIENCE = {"numerics", "layers", "encoders", "models"}
_PHYSICS = {"numerics", "optics"}
ALLOWED: dict[str, set[str]] = {
    **{part: set() for part in FREE},
    "numerics": set(),
    "layers": {"numerics"},
    "encoders": {"numerics", "layers"},
    "models": {"numerics", "layers", "encoders", "io"},
    "losses": {"numerics"},
    "metrics": set(),
    "optics": {"numerics"},
    "io": set(),
    "data": _PHYSICS | {"io"},
    "focus": {"data", "io"},
    "inference": _SCIENCE | {"io"},
    "training": _SCIENCE | _PHYSICS | {"losses", "metrics", "data", "focus", "io"},
    "evaluation": _SCIENCE | _PHYSICS | {"metrics", "data", "io", "inference"},
    "interpretation": _SCIENCE | _PHYSICS | {"data", "io", "inference"},
    "detection": {"io", "metrics", "interpretation"},
    "demo": _SCIENCE | _PHYSICS | {"metrics", "data", "io", "inference", "evaluation"},
    "cli": {
        "metrics",
        "numerics",
        "data",
        "io",
        "models",
        "inference",
        "training",
        "evaluation",
        "interpretation",
        "detection",
        "demo",
    },
}
# Sub-packages of the plugin that one of its own may import besides itself.
ROOMS: dict[str, set[str]] = {
    "shared": set(),
    "restore": {"shared", "inspect"},  # "Check this result" opens the Inspect panel
    "train": {"shared"},
    "inspect": {"shared"},
    "detect": {"shared"},
}
FORBIDDEN_IN_CORE = {"napari", "napari_dgno", "qtpy", "PyQt6", "PySide6", "magicgui", "superqt"}
FORBIDDEN_AT_MODULE_LEVEL = {"tensorflow", "stardist", "csbdeep", "mamba_ssm"}


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of every module that is imported anywhere in a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_level(tree: ast.Module) -> ast.Module:
    """Keep only what runs at import: no function bodies, no TYPE_CHECKING blocks."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_If(self, node: ast.If) -> ast.AST | None:
            is_typing = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            return None if is_typing else self.generic_visit(node)

    return ast.fix_missing_locations(Strip().visit(tree))


def breaches(path: Path, source: str) -> list[str]:
    """List the forbidden imports of one file, given its place and its text."""
    package, *rest = path.relative_to(SRC).with_suffix("").parts
    found = []
    tops = {name.partition(".")[0] for name in imports(ast.parse(source))}
    if "torchvision" in tops:
        found.append("torchvision")
    if package != "dgno_core":
        if rest[0] in ROOMS:
            found += other_rooms(rest[0], source)
        return found
    found += sorted(tops & FORBIDDEN_IN_CORE)
    top_now = {name.partition(".")[0] for name in imports(module_level(ast.parse(source)))}
    found += sorted(top_now & FORBIDDEN_AT_MODULE_LEVEL)
    part = rest[0]
    if part != "__init__":
        parts = {
            name.split(".")[1]
            for name in imports(ast.parse(source))
            if name.startswith("dgno_core.")
        } & ALLOWED.keys()
        found += sorted(f"dgno_core.{other}" for other in parts - ALLOWED[part] - FREE - {part})
    return found


def module_name(path: Path, root: Path) -> str:
    """Name of a file's module, such as ``dgno_core.io`` of ``dgno_core/io/__init__.py``."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imported_files(root: Path) -> dict[str, set[str]]:
    """Tell which modules below a folder the text of each one imports.

    Every import counts, also within a function or for type checkers alone: the program starts with
    such a circle, but who reads one of its files must read them all. An edge leads to the file that
    is named and no further: that `package.module` also runs ``package/__init__.py`` would make a
    circle of every package with public names.
    """
    files = {module_name(path, root): path for path in root.rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= {name if name in files else str(node.module) for name in names}
        graph[module] = (found & files.keys()) - {module}
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of more than one module: each of them leads to all others."""
    reach: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            new = graph[ahead.pop()] - seen
            seen |= new
            ahead += new
        reach[start] = seen
    found = {frozenset(b for b in reach[a] if a in reach[b]) for a in graph if a in reach[a]}
    return sorted(map(sorted, found))


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circles(imported_files(SRC)) == []


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        ("from made.c import name", [["made.a", "made.b", "made.c"]]),
        ("def f():\n    from made import c", [["made.a", "made.b", "made.c"]]),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import made.c",
            [["made.a", "made.b", "made.c"]],
        ),
        ("from made import name", [["made", "made.a"]]),
        ("from made.d import name", []),
    ],
)
def test_the_check_for_circles_sees_them(tmp_path: Path, back: str, expected: object) -> None:
    package = tmp_path / "made"
    package.mkdir()
    for name, source in {
        "__init__": "from made.a import name",
        "a": back,
        "b": "from made.a import name",
        "c": "from made.b import name",
        "d": "",
    }.items():
        (package / f"{name}.py").write_text(source)
    assert circles(imported_files(tmp_path)) == expected


def other_rooms(room: str, source: str) -> list[str]:
    """List what a sub-package of the plugin imports from others that it must not know."""
    names = {
        name.split(".")[1] for name in imports(ast.parse(source)) if name.startswith("napari_dgno.")
    }
    return sorted(f"napari_dgno.{other}" for other in names & ROOMS.keys() - ROOMS[room] - {room})


def test_there_are_files_to_check() -> None:
    assert {path.relative_to(SRC).parts[0] for path in FILES} == {"dgno_core", "napari_dgno"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_imports_point_in_the_allowed_direction(path: Path) -> None:
    assert breaches(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("place", "source", "expected"),
    [
        ("numerics/fluxes.py", "from dgno_core.models import x", ["dgno_core.models"]),
        ("models/dgno.py", "def f():\n    from dgno_core import data", ["dgno_core.data"]),
        ("io/tiff.py", "import napari.layers", ["napari"]),
        ("focus/curve.py", "from dgno_core.inference import x", ["dgno_core.inference"]),
        ("data/pairs.py", "from dgno_core.focus import x", ["dgno_core.focus"]),
        ("metrics/rank.py", "from dgno_core.models import x", ["dgno_core.models"]),
        ("evaluation/nuclei.py", "import stardist", ["stardist"]),
        ("evaluation/nuclei.py", "def f():\n    import stardist", []),
        ("cli/restore.py", "from dgno_core.inference import restore", []),
        ("layers/norms.py", "import torchvision.ops", ["torchvision"]),
    ],
)
def test_the_check_itself_sees_breaches(place: str, source: str, expected: list[str]) -> None:
    assert breaches(SRC / "dgno_core" / place, source) == expected


def test_no_panel_reaches_into_another() -> None:
    source = "from napari_dgno.shared import panel\nfrom napari_dgno.train.view import RunView"
    assert other_rooms("restore", source) == ["napari_dgno.train"]
    assert other_rooms("shared", source) == ["napari_dgno.train"]
    assert other_rooms("train", source) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_no_file_is_too_long(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_FILE[path.relative_to(SRC).parts[0]]


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after a statement."""
    script = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


QT = {"qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "superqt", "magicgui"}


def test_importing_the_core_loads_nothing_heavy() -> None:
    assert not loaded_by("import dgno_core") & (
        QT | {"torch", "numpy", "napari", "tensorflow", "pydantic"}
    )


def test_importing_the_plugin_loads_neither_torch_nor_qt() -> None:
    assert not loaded_by("import napari_dgno") & (QT | {"torch", "tensorflow"})


@pytest.mark.slow
def test_the_whole_core_loads_without_napari_qt_or_tensorflow() -> None:
    modules = [
        ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
        for path in FILES
        if path.relative_to(SRC).parts[0] == "dgno_core" and path.stem != "__main__"
    ]
    loaded = loaded_by("; ".join(f"import {module}" for module in modules))
    assert "torch" in loaded
    assert not loaded & (QT | {"napari", "tensorflow", "stardist", "torchvision"})


def test_torchvision_is_not_installed() -> None:
    assert importlib.util.find_spec("torchvision") is None
