"""The script that brings what a window needs, with a path of made-up programs: no real apt."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "window_packages.py"
sys.path.append(str(SCRIPT.parent))
import window_packages  # noqa: E402

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux needs the packages")

Program = Callable[..., None]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Make the path a folder of programs that note how they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("DISPLAY", raising=False)

    def add(name: str, body: str = "") -> None:
        note = f'echo "{name} $*" >> {tmp_path / "called"}'
        (folder / name).write_text(f"#!/bin/sh\n{note}\n{body}\n")
        (folder / name).chmod(0o755)

    for name in ("env", "sh"):  # the script starts programs through `env`
        os.symlink(f"/usr/bin/{name}", folder / name)
    return add


def called(tmp_path: Path) -> list[str]:
    notes = tmp_path / "called"
    return list(filter(None, notes.read_text().splitlines())) if notes.exists() else []


def listed(*absent: str, renamed: str = "") -> str:
    """Write what `dpkg-query` prints for the packages, but for some; one under a newer name."""
    lines = [
        f"ii  {name}t64 {name} (= 2.80)" if name == renamed else f"ii  {name} "
        for name in window_packages.PACKAGES
        if name not in absent
    ]
    lines += [f"rc  {name} " for name in absent]  # removed, its settings are left
    return "/bin/cat <<'END'\n" + "\n".join(lines) + "\nEND"


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_with_a_display_nothing_is_run(
    programs: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs("apt-get")
    programs("dpkg-query")
    monkeypatch.setenv("DISPLAY", ":0")
    assert window_packages.main() == 0
    assert called(tmp_path) == []


def test_without_apt_one_line_says_so(
    programs: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert window_packages.main() == 2
    (line,) = printed(capsys)
    assert "no apt-get" in line
    assert "Xvfb" in line


def test_without_apt_an_xvfb_that_is_there_will_do(
    programs: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs("xvfb-run")
    assert window_packages.main() == 0
    assert printed(capsys) == called(tmp_path) == []


def test_what_is_installed_is_left_alone(programs: Program, tmp_path: Path) -> None:
    programs("apt-get")
    programs("dpkg-query", listed())
    assert window_packages.main() == 0
    assert [call.split()[0] for call in called(tmp_path)] == ["dpkg-query"]


def test_a_renamed_package_that_provides_the_old_name_counts(
    programs: Program, tmp_path: Path
) -> None:
    programs("dpkg-query", listed(renamed="libglib2.0-0"))
    assert window_packages.missing(window_packages.installed()) == []
    programs("dpkg-query", listed("libglib2.0-0"))
    assert window_packages.missing(window_packages.installed()) == ["libglib2.0-0"]


def test_root_installs_what_is_missing_and_only_that(
    programs: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs("apt-get")
    programs("dpkg-query", listed("xvfb", "xauth"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert window_packages.main() == 0
    update, install = (call for call in called(tmp_path) if call.startswith("apt-get"))
    assert update.split()[1] == "update"
    assert install.split()[1] == "install"
    assert install.split()[-2:] == ["xvfb", "xauth"]
    assert install.endswith("--no-install-recommends xvfb xauth")


def test_who_may_not_is_told_the_line_to_run(
    programs: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    programs("apt-get")
    programs("dpkg-query", listed("xvfb", "libegl1"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # and there is no sudo
    assert window_packages.main() == 2
    (line,) = printed(capsys)
    assert "apt-get install -y --no-install-recommends xvfb libegl1" in line
    assert not any(call.startswith("apt-get") for call in called(tmp_path))


def test_sudo_is_asked_without_a_password_where_nobody_can_type(
    programs: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs("apt-get")
    programs("dpkg-query", listed("xvfb"))
    programs("sudo", 'shift; exec "$@"')
    programs("true")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert window_packages.main() == 0
    assert "sudo -n true" in called(tmp_path)
    assert sum(call.startswith("apt-get") for call in called(tmp_path)) == 2


def test_a_failed_installation_is_named(
    programs: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs("apt-get", "exit 100")
    programs("dpkg-query", listed("xvfb"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert window_packages.main() == 2
    (line,) = printed(capsys)
    assert "'apt-get update -qq' failed" in line


def test_it_runs_with_nothing_but_the_standard_library(programs: Program) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "window_packages: there is no screen" in done.stderr
