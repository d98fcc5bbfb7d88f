"""The commands as a user calls them, in this process; and a small untrained model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dgno_core.cli.app import app
from dgno_core.cli.running import run


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


Dgno = Callable[..., Ended]


@pytest.fixture
def dgno(capsys: pytest.CaptureFixture[str]) -> Dgno:
    """Return a function that runs `dgno WORD...`."""

    def call(*words: object) -> Ended:
        capsys.readouterr()
        status = run(app, "dgno", [str(word) for word in words])
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `tiny-grey` and `tiny-colour`."""
    from support.tiny_weights import write_tiny_models

    return write_tiny_models(tmp_path_factory.mktemp("models"))
