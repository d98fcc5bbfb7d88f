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
from dgno_core.training.events import StepDone, Validated

QUIET = ("model.lifting.routing_noise=false", "optim.ema=0")


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


def test_more_processes_than_cores_are_refused(config_file: Path) -> None:
    with pytest.raises(DGNOError, match=r"engine.devices is 999, but this computer has \d+"):
        next(train_events(load_config(config_file, ["engine.devices=999"])))


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


def in_two_processes(
    config_file: Path, out: Path, *settings: str, before: str = "", resume: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run `dgno-train` on two CPU processes, after some code of a test."""
    program = out.parent / f"{out.name}.py"
    program.write_text(f"{before}\nfrom dgno_core.cli.train import main; main()")
    words = [str(config_file), "--events", "-", *(["--resume"] if resume else [])]
    for setting in (*QUIET, "engine.devices=2", f"out={out}", *settings):
        words += ["--set", setting]
    return subprocess.run(
        [sys.executable, str(program), *words], capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
def test_two_processes_learn_what_one_with_both_batches_learns(
    config_file: Path, tmp_path: Path
) -> None:
    """Two CPU processes with one batch each, against one process that accumulates both."""
    ended = in_two_processes(config_file, tmp_path / "both")
    assert ended.returncode == 0, ended.stderr
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [e["step"] for e in events if e["event"] == "StepDone"] == [1, 2, 3, 4, 5, 6]
    assert events[-1]["event"] == "TrainFinished"

    _, weights = run(config_file, "one", *QUIET, "accumulate=2")
    both = load_model(tmp_path / "both" / "tiny.safetensors", "cpu").state_dict()
    for key, value in weights.items():
        torch.testing.assert_close(both[key], value, rtol=2e-2, atol=2e-3, msg=key)

    # Stopped after three steps and resumed, they learn the same.
    short = in_two_processes(config_file, tmp_path / "parts", "engine.minutes=0.000001")
    assert json.loads(short.stdout.splitlines()[-1])["event"] == "TrainStopped", short.stderr
    rest = in_two_processes(config_file, tmp_path / "parts", resume=True)
    assert rest.returncode == 0, rest.stderr
    parts = load_model(tmp_path / "parts" / "tiny.safetensors", "cpu").state_dict()
    assert all(torch.equal(parts[key], both[key]) for key in both)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["float('nan')", "damaged"])
def test_a_fault_in_one_process_stops_both_in_a_sentence(
    config_file: Path, tmp_path: Path, fault: str
) -> None:
    """Batch 5 belongs to the second process, in the third step."""
    broken = (
        "raise DGNOError('cell_1.png is damaged.')"
        if fault == "damaged"
        else ("return blurred, sharp * float('nan')")
    )
    before = (
        "from dgno_core.data.patches import SyntheticPairs\n"
        "from dgno_core.errors import DGNOError\n"
        "real = SyntheticPairs.batch\n"
        "def batch(self, number):\n"
        "    blurred, sharp = real(self, number)\n"
        f"    if number % 1000000007 == 5 and self.seed == 0: {broken}\n"
        "    return blurred, sharp\n"
        "SyntheticPairs.batch = batch\n"
    )
    ended = in_two_processes(config_file, tmp_path / "torn", "checkpoint_every=1", before=before)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    said = "damaged" if fault == "damaged" else "The loss is nan at step 3"
    assert said in ended.stderr
    assert torch.load(tmp_path / "torn" / "last.pt", weights_only=True)["step"] == 2
    assert not (tmp_path / "torn" / "running.json").exists()
    kept = list((tmp_path / "torn").glob("not-finite-*"))
    assert len(kept) == (0 if fault == "damaged" else 1)


@pytest.mark.slow
def test_a_validation_may_take_longer_than_the_collectives_wait(
    config_file: Path, tmp_path: Path
) -> None:
    """The only held-out image takes 9 s, while the collectives of training give up after 3 s.

    They do so only from the beginning of the validation to its end, where none of them is due.
    """
    before = (
        "import datetime, time\n"
        "from torch.distributed.distributed_c10d import _set_pg_timeout\n"
        "from dgno_core.training import engine\n"
        "real, mean = engine.validate, engine.mean_scores\n"
        "def slow(model, images, device):\n"
        "    _set_pg_timeout(datetime.timedelta(seconds=3))\n"
        "    time.sleep(9 * len(images))\n"
        "    return real(model, images, device)\n"
        "def together(scores):\n"
        "    _set_pg_timeout(datetime.timedelta(minutes=30))\n"
        "    return mean(scores)\n"
        "engine.validate, engine.mean_scores = slow, together\n"
    )
    settings = ["data.held_out_every=4", "steps=1", "validation.every=1"]
    ended = in_two_processes(config_file, tmp_path / "slow", *settings, before=before)
    assert ended.returncode == 0, ended.stderr
    kinds = [json.loads(line)["event"] for line in ended.stdout.splitlines()]
    assert kinds.count("Validated") == 1
    assert kinds[-1] == "TrainFinished"


@pytest.mark.slow
def test_a_shared_validation_scores_what_a_single_process_does(
    config_file: Path, tmp_path: Path
) -> None:
    settings = ["data.held_out_every=2", "steps=1", "validation.every=1", "optim.lr=1e-9"]
    ended = in_two_processes(config_file, tmp_path / "two", *settings)
    assert ended.returncode == 0, ended.stderr
    (shared,) = (
        event
        for event in map(json.loads, ended.stdout.splitlines())
        if event["event"] == "Validated"
    )
    config = load_config(config_file, [*QUIET, *settings, f"out={tmp_path / 'one'}"])
    (alone,) = (event for event in train_events(config) if isinstance(event, Validated))
    for name in ("blurred", "psnr", "ssim"):
        assert shared[name] == pytest.approx(getattr(alone, name), rel=1e-4)
    assert len(list((tmp_path / "two" / "pictures").iterdir())) == 2
