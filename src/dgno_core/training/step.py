"""One optimiser step: rate, gradients, update, and numbers that must stay finite."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from dgno_core.encoders.attentive_scan import use_backend
from dgno_core.errors import DGNOError
from dgno_core.training.config import OptimConfig, TrainConfig
from dgno_core.training.distributed import gather_messages, raise_on_all_ranks
from dgno_core.training.events import BatchSkipped, StepDone, TrainEvent
from dgno_core.training.fabric import recompute_activations
from dgno_core.training.loader import Batch, DataWait, NumberedBatches, load_batches
from dgno_core.training.objective import build_objective
from dgno_core.training.runs.files import CHECKPOINT
from dgno_core.training.state import TrainState

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SEED_STRIDE = 1_000_003
# Another stream than that of the batches, which have the same numbers.
NETWORK_SEED = 500_000_000_003
MOST_SKIPPED = 50


class OptimiserSteps:
    """The steps of a run, on one process.

    Parameters
    ----------
    config : TrainConfig
        The run.
    fabric : Fabric
        Its processes.
    state : TrainState
        The run so far; each step moves it on.
    """

    def __init__(self, config: TrainConfig, fabric: Fabric, state: TrainState) -> None:
        self.config, self.fabric, self.state = config, fabric, state
        self.waiting = DataWait()
        self.objective = build_objective(config.loss)
        if config.engine.compiled_scan:
            use_backend(state.model, "compiled")
        if config.engine.recompute:
            recompute_activations(state.model)
        model, optimizer = fabric.setup(state.model, state.optimizer)
        self.model: Any = model
        self.optimizer: Any = optimizer
        if state.loss_scale:
            self._precision.load_state_dict(state.loss_scale)

    @property
    def _precision(self) -> Any:
        return self.fabric.strategy.precision

    def batches(self, source: NumberedBatches) -> Iterator[Batch]:
        """Batches of this process from the present step on, numbered alike for any worker."""
        config, world = self.config, self.fabric.world_size
        first, last = (step * config.accumulate * world for step in (self.state.step, config.steps))
        numbers = range(first + self.fabric.global_rank, last, world)
        return load_batches(source, numbers, config.engine.workers, self.waiting)

    def take(self, batches: Iterator[Batch]) -> Iterator[TrainEvent]:
        """Do one step with the next batches."""
        config, state = self.config, self.state
        began, waited = time.perf_counter(), self.waiting.seconds
        rate = learning_rate(state.step, config.planned, config.optim)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        total = 0.0
        for part in range(config.accumulate):
            batch = self._next(batches)
            faults = gather_messages(self.fabric, batch.faults)
            yield from (BatchSkipped(state.step + 1, fault) for fault in faults)
            is_last = part == config.accumulate - 1
            with self.fabric.no_backward_sync(self.model, enabled=not is_last):
                total += self._backward(batch, part)
        self._update(batch)
        state.step += 1
        state.update_average(config.optim.ema)
        yield StepDone(
            state.step,
            config.steps,
            total,
            rate,
            time.perf_counter() - began,
            self.waiting.seconds - waited,
        )

    def _next(self, batches: Iterator[Batch]) -> Batch:
        """The next batch; all processes fail if one has none."""
        error = None
        try:
            batch = next(batches)
        except DGNOError as found:
            error = found
        raise_on_all_ranks(self.fabric, error)
        return batch

    def _backward(self, batch: Batch, part: int) -> float:
        """Add the gradient of one forward pass; return its share of the loss."""
        config, fabric = self.config, self.fabric
        # Draws inside the network and the loss depend on the number of the batch alone, so a
        # resumed run repeats them.
        number = (self.state.step * config.accumulate + part) * fabric.world_size
        seed = NETWORK_SEED + config.seed * SEED_STRIDE + number + fabric.global_rank
        torch.manual_seed(seed)
        moved = batch.to(fabric.device)
        loss: Tensor = self.objective(self.model, moved, torch.Generator().manual_seed(seed))
        loss = loss / config.accumulate
        value = float(loss.detach())
        self._check(value, "loss", batch)
        fabric.backward(loss)
        return value

    def _check(self, value: float, name: str, batch: Batch) -> None:
        """Stop all processes if a number is not finite in one."""
        step, rank = self.state.step, self.fabric.global_rank
        raise_on_all_ranks(
            self.fabric, nonfinite_error(value, name, step, batch, self.config.out, rank)
        )

    def _update(self, batch: Batch) -> None:
        config, state = self.config, self.state
        limit = math.inf if config.optim.clip is None else config.optim.clip
        norm: Any = self.fabric.clip_gradients(
            self.model, self.optimizer, max_norm=limit, error_if_nonfinite=False
        )
        # fp16 meets infinite gradients while it looks for its loss scale, and skips those steps.
        may_skip = config.engine.precision == "fp16" and state.skipped < MOST_SKIPPED
        state.skipped = 0 if math.isfinite(norm) else state.skipped + 1
        if not may_skip:
            self._check(float(norm), "gradient", batch)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        state.loss_scale = self._precision.state_dict()


def learning_rate(step: int, total: int, optim: OptimConfig) -> float:
    """Linear warm-up, then a half cosine from `lr` to `final_lr`.

    Parameters
    ----------
    step : int
        Number of the step, from 0 on.
    total : int
        Steps over which the rate falls: `TrainConfig.planned`.
    optim : OptimConfig
        Rates and length of the warm-up.

    Returns
    -------
    float
    """
    if step < optim.warmup:
        return optim.lr * (step + 1) / optim.warmup
    progress = (step - optim.warmup) / max(1, total - optim.warmup)
    return optim.final_lr + (optim.lr - optim.final_lr) * 0.5 * (1 + math.cos(math.pi * progress))


def nonfinite_error(
    value: float, name: str, step: int, batch: Batch, folder: Path, rank: int
) -> DGNOError | None:
    """What is wrong with a step whose number is not finite.

    Parameters
    ----------
    value : float
        The number.
    name : str
        What it is.
    step : int
        Steps done before it.
    batch : Batch
        The batch that gave it; it is saved for inspection.
    folder : Path
        The run's folder.
    rank : int
        Number of this process.

    Returns
    -------
    DGNOError or None
        None if `value` is finite.
    """
    if math.isfinite(value):
        return None
    has_checkpoint = (folder / CHECKPOINT).exists()
    process = f"-process-{rank}" if rank else ""
    kept = _save_batch(batch, folder / f"not-finite-step-{step + 1:06d}{process}.safetensors")
    broken = [name for name, tensor in batch.tensors().items() if not tensor.isfinite().all()]
    cause = (
        f"its {' and '.join(broken)} images hold values that are not finite: check the data"
        if broken
        else "lower optim.lr, then " + ("resume" if has_checkpoint else "start again")
    )
    checkpoint = "the last checkpoint is kept" if has_checkpoint else "there is no checkpoint yet"
    return DGNOError(
        f"The {name} is {value} at step {step + 1}; {checkpoint}. The batch {kept}; {cause}."
    )


def _save_batch(batch: Batch, path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: t.contiguous() for name, t in batch.tensors().items()}, path)
    except (OSError, SafetensorError) as error:
        path.unlink(missing_ok=True)
        return f"could not be saved ({error})"
    return f"is saved as {path}"
