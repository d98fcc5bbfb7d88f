from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dgno_core.cli.running import run
from dgno_core.cli.train import app as train_app

Dgno = Callable[..., Any]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write a config that trains a tiny network for three steps on random images."""
    from PIL import Image

    rng = np.random.default_rng(0)
    names = [f"{i}.png" for i in range(4)]
    for name in names:
        Image.fromarray(rng.integers(0, 255, (48, 48), np.uint8)).save(tmp_path / name)
    (tmp_path / "list.txt").write_text("\n".join(names))
    path = tmp_path / "tiny.yaml"
    settings = {
        "name": "tiny",
        "out": "run",
        "model": {"kind": "dgno", "width": 8, "heads": 2, "blocks": [1, 1, 1, 1], "iterations": 1},
        "data": {
            "kind": "synthetic",
            "root": ".",
            "sources": [{"list": "list.txt"}],
            "held_out_every": 2,
        },
        "steps": 3,
        "batch": 1,
        "crop": 32,
        "checkpoint_every": 1,
        "validation": {"every": 2},
        "engine": {"device": "cpu", "tensorboard": False},
    }
    path.write_text(yaml.safe_dump(settings))
    return path


def test_training_gives_a_model_and_events(dgno: Dgno, config: Path) -> None:
    ended = dgno("train", config, "--events", "-")
    assert (ended.status, ended.err.count("Traceback")) == (0, 0)
    events = [json.loads(line) for line in ended.out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "TrainStarted"
    assert kinds[-1] == "TrainFinished"
    assert [event["step"] for event in events if event["event"] == "StepDone"] == [1, 2, 3]
    assert Path(events[-1]["path"]).is_file()


def test_events_can_go_to_a_file(dgno: Dgno, config: Path, tmp_path: Path) -> None:
    ended = dgno("train", config, "--set", "steps=1", "--events", tmp_path / "events.jsonl")
    assert ended.status == 0
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["event"] == "TrainFinished"
    assert ended.out.strip() == json.loads(lines[-1])["path"]


def test_a_stopped_run_goes_on_and_ends_alike(dgno: Dgno, config: Path, tmp_path: Path) -> None:
    straight, resumed = tmp_path / "straight", tmp_path / "resumed"
    assert dgno("train", config, "--set", f"out={straight}").status == 0

    script = (
        "import sys; from dgno_core.cli import train, running, progress\n"
        "real = progress.Bar.update\n"
        "def stop(self, done, total, note=''):\n"
        "    real(self, done, total, note)\n"
        "    if done == 2: raise KeyboardInterrupt\n"
        "progress.Bar.update = stop\n"
        "sys.exit(running.run(train.app, 'dgno-train', sys.argv[1:]))\n"
    )
    words = [str(config), "--set", f"out={resumed}"]
    stopped = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)
    assert stopped.returncode == 130, stopped.stderr
    assert not (resumed / "tiny.safetensors").exists()

    again = dgno("train", *words)
    assert again.status == 2  # a run is there: not overwritten unasked
    assert "--resume" in again.err
    assert dgno("train", *words, "--resume").status == 0
    one, two = (folder / "tiny.safetensors" for folder in (straight, resumed))
    assert one.read_bytes() == two.read_bytes()


def test_a_dry_run_prints_the_settings_and_writes_nothing(dgno: Dgno, config: Path) -> None:
    before = sorted(config.parent.iterdir())
    ended = dgno("train", config, "--set", "steps=7", "--set", "optim.lr=0.002", "--dry-run")
    settings = yaml.safe_load(ended.out)
    assert (ended.status, settings["steps"], settings["optim"]["lr"]) == (0, 7, 0.002)
    assert sorted(config.parent.iterdir()) == before


def test_the_printed_settings_are_a_config(dgno: Dgno, config: Path, tmp_path: Path) -> None:
    first = dgno("train", config, "--dry-run").out
    (tmp_path / "again.yaml").write_text(first)
    second = dgno("train", tmp_path / "again.yaml", "--dry-run").out
    assert yaml.safe_load(second) == yaml.safe_load(first)


def test_a_dry_run_tells_the_data_and_the_cost(dgno: Dgno, config: Path) -> None:
    told = [
        line for line in dgno("train", config, "--dry-run").out.splitlines() if line[0:1] == "#"
    ]
    assert told[0] == "# data: 2 images train, 2 validate"
    assert [line.split()[1] for line in told[1:]] == ["network:", "memory:", "time:"]


def test_a_recipe_has_a_name(dgno: Dgno, tmp_path: Path) -> None:
    ended = dgno("train", "dgno-cell-smal")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "dgno-cell-small" in ended.err
    ended = dgno("train", "dgno-cell-small", "--set", f"data.root={tmp_path / 'none'}")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "data.root" in ended.err


@pytest.mark.slow
def test_ctrl_c_ends_the_step_and_the_run_goes_on(config: Path, tmp_path: Path) -> None:
    words = [str(config), "--set", f"out={tmp_path / 'run'}", "--set", "steps=100000",
             "--set", "checkpoint_every=100000", "--events", "-"]  # fmt: skip
    command = [sys.executable, "-c", "from dgno_core.cli.train import main; main()", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "StepDone":
            break
    process.send_signal(signal.SIGINT)
    rest, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in complaint
    events = [json.loads(line) for line in rest.splitlines()]
    assert [event["event"] for event in events[-2:]] == ["CheckpointSaved", "TrainStopped"]
    assert (tmp_path / "run" / "last.pt").is_file()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--set", "stesp=7"], "stesp"),
        (["--set", "steps"], "key=value"),
        (["--set", "engine.device=abacus"], "abacus"),
        (["--resume"], ""),
    ],
)
def test_bad_input_is_one_line(dgno: Dgno, config: Path, words: list[str], complaint: str) -> None:
    ended = dgno("train", config, *words)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert complaint in ended.err


def test_dgno_train_is_the_same_command(
    config: Path, capsys: pytest.CaptureFixture[str], dgno: Dgno
) -> None:
    expected = dgno("train", config, "--dry-run").out
    assert run(train_app, "dgno-train", [str(config), "--dry-run"]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == yaml.safe_load(expected)
    assert run(train_app, "dgno-train", []) == 2
    assert capsys.readouterr().err.startswith("dgno-train: Missing argument 'CONFIG.yaml'")


def test_a_wish_that_came_too_late_for_the_last_run_is_forgotten(
    dgno: Dgno, config: Path, tmp_path: Path
) -> None:
    from dgno_core.training.runs.lock import request_stop

    out = tmp_path / "run"
    out.mkdir()
    request_stop(out)
    ended = dgno("train", config, "--set", f"out={out}", "--events", "-")
    assert ended.status == 0
    assert json.loads(ended.out.splitlines()[-1])["event"] == "TrainFinished"
