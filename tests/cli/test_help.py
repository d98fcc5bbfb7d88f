from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from dgno_core.cli.app import app
from dgno_core.cli.help_pages import EXAMPLES, FORMATS
from dgno_core.cli.running import run
from dgno_core.cli.train import app as train_app

PROGRAMS = {"dgno": typer.main.get_command(app), "dgno-train": typer.main.get_command(train_app)}


def commands() -> Iterator[tuple[str, Any]]:
    """Yield all commands and groups, as they are typed."""

    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield name, command
        for word, inner in getattr(command, "commands", {}).items():
            yield from below(f"{name} {word}", inner)

    for name, command in PROGRAMS.items():
        yield from below(name, command)


COMMANDS = dict(commands())


def test_every_command_has_examples_and_nothing_else_has() -> None:
    assert EXAMPLES.keys() == COMMANDS.keys()
    assert FORMATS.keys() <= COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_examples_and_exit_status(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *words = command.split()
    assert run(train_app if program == "dgno-train" else app, program, [*words, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("  Examples:")
    assert lines[at + 1].startswith(f"    {command}")
    assert "    2    bad input" in "\n".join(lines[lines.index("  Exit status:", at) :])


@pytest.mark.parametrize("example", sorted({line for lines in EXAMPLES.values() for line in lines}))
def test_examples_are_of_words_that_exist(example: str) -> None:
    program, *words = shlex.split(example)
    command = PROGRAMS[program]
    with command.make_context(program, list(words)) as context:
        while getattr(command, "commands", None):
            rest = [*context._protected_args, *context.args]
            command = command.commands[rest[0]]
            context = command.make_context(rest[0], rest[1:], parent=context)


def completions(words: str, **more: str) -> list[str]:
    """Return what bash would offer for the last of these words."""
    program = "train" if words.startswith("dgno-train") else "app"
    variable = "_DGNO_TRAIN_COMPLETE" if program == "train" else "_DGNO_COMPLETE"
    number = len(words.split(" ")) - 1
    environment = os.environ | more
    environment |= {variable: "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(number)}
    script = f"from dgno_core.cli import {program}; {program}.main()"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dgno restore --model dgno-cell-small", "dgno-cell-small-colour"),
        ("dgno explain trust --model dgno-f", "dgno-face-small"),
        ("dgno data check bbbc006", "bbbc006-w1"),
        ("dgno rest", "restore"),
        ("dgno-train user", "user-stack"),
    ],
)
def test_the_shell_completes_names(words: str, expected: str) -> None:
    found = completions(words)
    assert expected in found
    assert all(name.startswith(words.split()[-1]) for name in found)


def test_models_of_the_folder_given_before_are_offered(model_folder: Path) -> None:
    found = completions(f"dgno restore --model-folder {model_folder} --model tiny")
    assert sorted(found) == ["tiny-colour", "tiny-grey"]


@pytest.mark.skipif(sys.platform == "win32", reason="bash's own files")
def test_completion_is_installed_only_when_asked(tmp_path: Path) -> None:
    environment = os.environ | {
        "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }  # fmt: skip

    def call(*words: str) -> int:
        script = "import sys; sys.argv[0] = 'dgno'; from dgno_core.cli import app; app.main()"
        command = [sys.executable, "-c", script, *words]
        return subprocess.run(command, env=environment, capture_output=True).returncode

    assert call("--version") == 0
    assert list(tmp_path.iterdir()) == []
    assert call("--install-completion", "bash") == 0
    assert "dgno" in (tmp_path / ".bashrc").read_text()
