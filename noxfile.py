"""The project's chores, each in an environment of its own: `nox -s demo`, `nox -s tests`, ..."""

from __future__ import annotations

import os
import sys

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "tests"]

PINNED = ("-c", "constraints.txt")


@nox.session
def demo(session: nox.Session) -> None:
    """Restore the built-in images: a before/after table, a PNG and TIFFs. No network, no GPU."""
    session.install(*PINNED, ".")
    session.run("dgno", "demo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run every test, the GUI ones in a real napari window (on a virtual screen without one).

    These have a process of their own: TensorFlow, which the others load, crashes beside Mesa.
    What a bare machine lacks for a window is installed first.
    """
    session.run("python", "scripts/window_packages.py")
    session.install(*PINNED, ".[napari,stardist,test]", "napari[pyqt6]")
    command = ["python", "-m", "pytest", *session.posargs]
    # Skipped tests look like passed ones; here they are a failure (see tests/conftest.py).
    env = {"DGNO_REQUIRE_GUI": "1", "DGNO_REQUIRE_STARDIST": "1", "MPLBACKEND": "agg"}
    if sys.platform == "linux":
        env["QT_QPA_PLATFORM"] = "xcb"  # the "offscreen" platform has no OpenGL
        if not os.environ.get("DISPLAY"):
            command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1200x24", *command]
    # 5: of the tests that were asked for by name, none is of this kind.
    codes = [0, 5] if session.posargs else [0]
    # Windows take the focus from each other, so their tests run one by one. The others share the
    # processors, with one thread each.
    workers = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2, 4)
    spread = ["-n", str(workers), "--dist", "loadfile"]
    alone = {**env, "OMP_NUM_THREADS": "1"}
    session.run(*command, "-m", "not gui", *spread, env=alone, external=True, success_codes=codes)
    session.run(*command, "-m", "gui", env=env, external=True, success_codes=codes)
    if not session.posargs:
        # Once more as an old processor computes it, and with two threads: bounds that rest on the
        # rounding of one machine fail here first. See scripts/processor_matrix.py for all settings.
        session.run("python", "scripts/processor_matrix.py", "--once")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and types."""
    session.install(*PINNED, ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session
def docs_evaluation(session: nox.Session) -> None:
    """Make docs/evaluation again: the packaged models on the public set, and their cards."""
    session.install(*PINNED, ".")
    session.run(
        "dgno",
        "evaluate",
        "--data",
        "../shared/data",
        "--out",
        "docs/evaluation",
        "--model",
        "all",
        *session.posargs,
    )
    session.run("python", "scripts/model_cards.py")
