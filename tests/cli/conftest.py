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
    """Return a folder with `tiny-grey` and `tiny-colour`: untrained, but they do change pixels."""
    import torch

    from dgno_core.models import DGNOConfig, ModelCard, build_model, save_model

    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(1)
    for name, channels in (("tiny-grey", 1), ("tiny-colour", 3)):
        config = DGNOConfig(channels=channels, width=8, heads=2, blocks=(1, 1, 1, 1), iterations=1)
        card = ModelCard(
            name=name,
            title=f"A [tiny] {name.removeprefix('tiny-')} network",
            config=config,
            tile=64,
            halo=32,
            blur_px=(0, 8),
            not_for=["diagnosis", "anything else"],
        )
        save_model(build_model(config), card, folder / f"{name}.safetensors")
    return folder
