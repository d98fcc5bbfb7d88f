"""Shared fixtures, and two promises: GUI tests and real-data tests never vanish unnoticed.

A skipped test looks like a passed one. So a run fails

- when a GUI test or one of StarDist was skipped although the environment asks for them
  (`DGNO_REQUIRE_GUI=1`, `DGNO_REQUIRE_STARDIST=1`, set by `nox -s tests`), and
- when `../shared` lies beside the checkout but a test that needs it was skipped.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# A property does not depend on how busy the machine is, nor on how long its first example takes.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

# Images in tests are small: with several threads, these would mostly wait for each other. It must
# be set before torch is imported, and holds for subprocesses too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"
PROMISED = ("gui", "stardist", "shared")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real microscopy data; the test is skipped where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("../shared/data is not beside this checkout")
    return folder


def _has_screen() -> bool:
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return False  # it has no OpenGL
    return sys.platform != "linux" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they use; Qt would abort the whole run without a screen."""
    screen = _has_screen()
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        reasons = (str(mark.kwargs.get("reason", "")) for mark in item.iter_markers("skipif"))
        if "shared_data" in fixtures or any("shared" in reason for reason in reasons):
            item.add_marker("shared")
        if "make_napari_viewer" in fixtures or "make_napari_viewer_proxy" in fixtures:
            item.add_marker("gui")
        if item.get_closest_marker("gui") and not screen:
            item.add_marker(pytest.mark.skip(reason="no screen with OpenGL; use nox -s tests"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep TensorFlow and a window apart: with Mesa's OpenGL in one process, they crash."""
    if any(item.get_closest_marker("gui") for item in session.items) and _has_screen():
        reason = "not in one process with a window; use nox -s tests, or pytest -m 'not gui'"
        for item in session.items:
            if item.get_closest_marker("stardist"):
                item.add_marker(pytest.mark.skip(reason=reason))


class _Promises:
    """Counts the skipped tests of each promised marker."""

    def __init__(self) -> None:
        self.skipped: defaultdict[str, int] = defaultdict(int)

    def broken(self) -> Iterator[str]:
        """Name what should have run and did not."""
        wanted = {
            "gui": os.environ.get("DGNO_REQUIRE_GUI") == "1",
            "stardist": os.environ.get("DGNO_REQUIRE_STARDIST") == "1",
            "shared": SHARED.is_dir(),
        }
        for marker in PROMISED:
            if wanted[marker] and self.skipped[marker]:
                yield f"{self.skipped[marker]} tests marked {marker!r} were skipped"


def pytest_configure(config: pytest.Config) -> None:
    """Install the counter."""
    config.stash[_KEY] = _Promises()


_KEY = pytest.StashKey[_Promises]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """Count what happened to each promised test."""
    report = yield
    promises = item.config.stash[_KEY]
    for marker in PROMISED:
        if item.get_closest_marker(marker):
            promises.skipped[marker] += report.skipped
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn a good end into a failure when a promise is broken."""
    if exitstatus == pytest.ExitCode.OK and any(session.config.stash[_KEY].broken()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which promise was broken, above the closing line."""
    for problem in terminalreporter.config.stash[_KEY].broken():
        terminalreporter.write_line(f"FAILED promise: {problem}", red=True)
