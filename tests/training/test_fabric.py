"""How the machine is used must not change what is learnt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dgno_core.errors import DGNOError
from dgno_core.models import load_model
from dgno_core.training import load_config, train_events
from dgno_core.training.events import StepDone


def run(config_file: Path, name: str, *settings: str) -> tuple[list[float], dict]:
    config = load_config(config_file, [f"out={config_file.parent / name}", *settings])
    losses = [e.loss for e in train_events(config) if isinstance(e, StepDone)]
    return losses, load_model(config.out / "tiny.safetensors", "cpu").state_dict()


def test_workers_change_nothing(config_file: Path) -> None:
    losses, weights = run(config_file, "one")
    again, others = run(config_file, "two", "engine.workers=2")
    assert again == losses
    assert all(torch.equal(weights[key], others[key]) for key in weights)


def test_recomputed_activations_give_the_same_gradients(config_file: Path) -> None:
    losses, _ = run(config_file, "one")
    again, _ = run(config_file, "two", "engine.recompute=true")
    assert again == pytest.approx(losses, rel=1e-5)


def test_bf16_follows_fp32(config_file: Path) -> None:
    losses, _ = run(config_file, "one", "model.lifting.routing_noise=false")
    again, _ = run(config_file, "two", "engine.precision=bf16", "model.lifting.routing_noise=false")
    assert again != losses
    assert again == pytest.approx(losses, rel=0.05)


def test_fp16_on_a_cpu_is_refused(config_file: Path) -> None:
    with pytest.raises(DGNOError, match="fp32 or bf16"):
        next(train_events(load_config(config_file, ["engine.precision=fp16"])))


def test_an_accumulated_step_is_the_mean_of_its_parts(config_file: Path) -> None:
    quiet = ["model.lifting.routing_noise=false", "optim.warmup=0", "optim.ema=0"]
    config = load_config(config_file, [*quiet, "batch=1", "accumulate=3", "steps=1"])
    run_ = train_events(config)
    (step,) = (e for e in run_ if isinstance(e, StepDone))
    parts = []
    for number in range(3):
        one = load_config(
            config_file,
            [*quiet, "batch=1", "steps=1", f"out={config_file.parent / str(number)}"],
        )
        from dgno_core.losses import multiscale_loss
        from dgno_core.models import build_model
        from dgno_core.training.sources import open_data

        torch.manual_seed(one.seed)
        model = build_model(one.model)
        blurred, sharp = open_data(one).batches.batch(number)
        parts.append(float(multiscale_loss(model(blurred), sharp)))
    assert step.loss == pytest.approx(sum(parts) / 3, rel=1e-6)


@pytest.mark.slow
def test_two_processes_learn_what_one_with_both_batches_learns(
    config_file: Path, tmp_path: Path
) -> None:
    """Two CPU processes with one batch each, against one process that accumulates both."""
    quiet = ["model.lifting.routing_noise=false", "optim.ema=0"]
    script = "from dgno_core.cli.train import main; main()"
    program = tmp_path / "program.py"
    program.write_text(script)
    out = tmp_path / "both"
    words = [str(config_file)]
    for setting in (*quiet, "engine.devices=2", f"out={out}"):
        words += ["--set", setting]
    ended = subprocess.run(
        [sys.executable, str(program), *words, "--events", "-"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [e["step"] for e in events if e["event"] == "StepDone"] == [1, 2, 3, 4, 5, 6]
    assert events[-1]["event"] == "TrainFinished"

    _, weights = run(config_file, "one", *quiet, "accumulate=2")
    both = load_model(out / "tiny.safetensors", "cpu").state_dict()
    for key, value in weights.items():
        torch.testing.assert_close(both[key], value, rtol=2e-2, atol=2e-3, msg=key)
