"""The promises of conftest.py: a run in which a GUI or real-data test vanishes is a failed run."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PLAIN = "def test_plain(): pass\n"
GUI = "import pytest\n@pytest.mark.gui\ndef test_window(): pass\n"
SHARED = "import pytest\ndef test_data(shared_data): {}\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project with our conftest.py, on a machine without a screen."""
    tests = pytester.path / "repo" / "tests"
    tests.mkdir(parents=True)
    (tests / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    (tests / "pytest.ini").write_text(
        "[pytest]\naddopts = -p no:cacheprovider\nmarkers =\n  gui: .\n  shared: .\n"
    )
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.delenv("DGNO_REQUIRE_GUI", raising=False)
    return tests


def ending(pytester: pytest.Pytester, project: Path, source: str) -> tuple[int, str]:
    """Run one test file; return the exit status and everything that was printed."""
    (project / "test_it.py").write_text(PLAIN + source)
    result = pytester.runpytest_subprocess(project, "-c", project / "pytest.ini")
    return int(result.ret), result.stdout.str()


def test_skipped_gui_tests_fail_where_they_are_required(
    pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ending(pytester, project, GUI)[0] == 0
    monkeypatch.setenv("DGNO_REQUIRE_GUI", "1")
    some = GUI + GUI.replace("import pytest\n", "").replace("test_window", "test_other")
    status, text = ending(pytester, project, some)
    assert status == 1
    assert "2 tests marked 'gui' were skipped" in text


def test_gui_tests_that_run_keep_the_promise(
    pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGNO_REQUIRE_GUI", "1")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", ":0")
    assert ending(pytester, project, GUI)[0] == 0


def test_data_tests_are_skipped_only_where_the_data_are_absent(
    pytester: pytest.Pytester, project: Path
) -> None:
    assert ending(pytester, project, SHARED.format("pass"))[0] == 0
    (pytester.path / "shared" / "data").mkdir(parents=True)
    assert ending(pytester, project, SHARED.format("pass"))[0] == 0
    status, text = ending(pytester, project, SHARED.format("pytest.skip('no wish')"))
    assert status == 1
    assert "1 tests marked 'shared' were skipped" in text
