from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
import typer

from dgno_core.cli.app import app
from dgno_core.cli.running import BAD_INPUT, OK, run
from dgno_core.cli.threads import take_training_threads

COMMANDS = [
    ("restore",), ("demo",), ("evaluate",), ("detect",), ("train",),
    *(("explain", look) for look in ("maps", "rank", "compare", "lam", "trust")),
]  # fmt: skip


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_that_computes_has_the_option(words: tuple[str, ...]) -> None:
    command = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]  # type: ignore[attr-defined]
    (option,) = (one for one in command.params if one.name == "threads")
    assert option.default == 0


def test_a_restoration_has_the_threads_and_its_record_repeats_them(tmp_path: Path) -> None:
    from dgno_core.io import read_beside

    image = np.random.default_rng(0).integers(0, 4000, (64, 64)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", image)
    out = tmp_path / "out.tif"
    words = ["restore", str(tmp_path / "in.tif"), "-o", str(out), "--device", "cpu"]
    assert run(app, "dgno", [*words, "--threads", "3"]) == OK
    record = read_beside(out)
    assert record is not None
    assert record.versions["torch threads"] == "3"
    assert record.command.endswith(" --threads 3")


@pytest.mark.parametrize("number", ["-1", "100000", "two"])
def test_a_number_that_cannot_be_is_refused(
    number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(app, "dgno", ["demo", "--out", str(tmp_path), "--threads", number]) == BAD_INPUT
    assert "--threads" in capsys.readouterr().err


def test_a_training_takes_all_its_cores_whatever_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    from dgno_core.cli import threads

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for module in ("dgno_core.threads", "dgno_core.cli.threads"):
        monkeypatch.setattr(f"{module}.allowed_cores", lambda: 5)
    assert take_training_threads(0) == 0  # nothing was asked for
    assert torch.get_num_threads() == 5
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    threads.share_cores(2)
    assert (torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]) == (2, "2")
    threads.share_cores(9)
    assert torch.get_num_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert take_training_threads(0) == 2
    assert take_training_threads(4) == 4


@pytest.mark.parametrize(("words", "shared"), [([], [3]), (["--threads", "2"], [])])
def test_processes_of_a_training_share_the_cores(
    words: list[str], shared: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from dgno_core import training
    from dgno_core.cli import train
    from dgno_core.training import checks

    settings = SimpleNamespace(engine=SimpleNamespace(devices=3))
    seen: list[int] = []
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(training, "load_config", lambda *_: settings)
    monkeypatch.setattr(checks, "check_run", lambda *_, **__: None)
    monkeypatch.setattr(train, "explain", lambda _: None)
    monkeypatch.setattr(train, "share_cores", seen.append)
    assert run(train.app, "dgno-train", ["user-stack", "--dry-run", *words]) == OK
    assert seen == shared
