"""What a run will cost: memory by following its tensors, time by taking a few steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dgno_core.models.device import place
from dgno_core.models.registry import build_model
from dgno_core.training.config import TrainConfig
from dgno_core.training.fabric import launch, recompute_activations
from dgno_core.training.loader import Batch, NumberedBatches
from dgno_core.training.objective import build_objective
from dgno_core.training.state import TrainState

# Weights, their gradients, the two moments of AdamW, and the averaged weights.
COPIES = 5
TIMED_STEPS = 2


@dataclass(frozen=True)
class Estimate:
    """Cost of a run on one device.

    Parameters
    ----------
    parameters
        Number of trained numbers.
    bytes
        Weights, optimiser, and what a forward pass keeps for its backward pass, in float32.
    step_seconds
        One optimiser step in the precision of the run, measured; without preparing batches.
    batch_seconds
        Preparing one batch in one process, measured; the first, so files are read for it.
    """

    parameters: int
    bytes: int
    step_seconds: float
    batch_seconds: float

    def total_seconds(self, config: TrainConfig) -> float:
        """Seconds of all steps of a run, without validation.

        Batches are prepared before a step without workers, and beside it with them.
        """
        loading = config.accumulate * self.batch_seconds
        workers = config.engine.workers
        together = (
            max(self.step_seconds, loading / workers) if workers else (self.step_seconds + loading)
        )
        return config.steps * together


def estimate(config: TrainConfig, batches: NumberedBatches) -> Estimate:
    """Measure what a step takes, on the device of the run.

    Parameters
    ----------
    config : TrainConfig
        The run.
    batches : NumberedBatches
        Its training batches.

    Returns
    -------
    Estimate

    Raises
    ------
    DGNOError
        If the images cannot be read or the device is not there.
    """
    began = time.perf_counter()
    batch = batches[0]
    batch_seconds = time.perf_counter() - began
    kept = saved_bytes(config, batch)
    fabric = launch(config.engine.changed(devices=1))
    network = build_model(config.model)
    parameters = sum(p.numel() for p in network.parameters())
    state = TrainState(place(network, fabric.device), config.optim)
    if config.engine.recompute:
        recompute_activations(network)
    model, optimizer = fabric.setup(network, state.optimizer)
    moved = batch.to(fabric.device)
    objective = build_objective(config.loss)
    seconds = []
    for _ in range(1 + TIMED_STEPS):
        began = time.perf_counter()
        for _ in range(config.accumulate):
            fabric.backward(objective(model, moved, torch.Generator().manual_seed(0)))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        state.update_average(config.optim.ema)
        if fabric.device.type == "cuda":
            torch.cuda.synchronize(fabric.device)
        seconds.append(time.perf_counter() - began)
    return Estimate(parameters, 4 * COPIES * parameters + kept, min(seconds[1:]), batch_seconds)


def saved_bytes(config: TrainConfig, batch: Batch) -> int:
    """Bytes that one forward pass keeps for its backward pass, in float32.

    Counted on the meta device, so it costs neither time nor memory. Buffers of single operations,
    and with recomputed activations those of one block, come on top.

    Parameters
    ----------
    config : TrainConfig
        The run.
    batch : Batch
        A batch; only its shapes count.

    Returns
    -------
    int
    """
    with torch.device("meta"):
        model: nn.Module = build_model(config.model)
    if config.engine.recompute:
        recompute_activations(model)
    weights = {id(p) for p in model.parameters()}
    sizes: dict[int, int] = {}
    alive: list[Any] = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if id(tensor) not in weights and storage._cdata not in sizes:
            sizes[storage._cdata] = storage.nbytes()
            alive.append(storage)
        return tensor

    meta = batch.to(torch.device("meta"))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        build_objective(config.loss)(model, meta, torch.Generator().manual_seed(0))
    return sum(sizes.values())
