"""What a run will cost: memory by following its tensors, time by taking a few of its steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from dgno_core.encoders.attentive_scan import use_backend
from dgno_core.errors import DGNOError
from dgno_core.models.build import build_model
from dgno_core.models.device import place, resolve_device
from dgno_core.models.free_memory import available_bytes
from dgno_core.training.config import TrainConfig
from dgno_core.training.fabric import launch, recompute_activations
from dgno_core.training.loader import Batch, NumberedBatches
from dgno_core.training.objective import build_objective
from dgno_core.training.state import TrainState
from dgno_core.training.validation import HeldOutImage

# Weights, their gradients, the two moments of AdamW, and the averaged weights.
COPIES = 5
TIMED_STEPS = 2
# Seconds that a whole step may take to be timed itself, and not only one crop of it.
PATIENCE = 20.0
COUNTED_SIDE = 64  # pixels of the crop whose tensors are counted


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
    validation_seconds
        One validation, in proportion to the measured time of a crop.
    """

    parameters: int
    bytes: int
    step_seconds: float
    batch_seconds: float = 0.0
    validation_seconds: float = 0.0

    def total_seconds(self, config: TrainConfig) -> float:
        """Seconds of all steps and validations of a run.

        Batches are prepared before a step without workers, and beside it with them.
        """
        loading = config.accumulate * self.batch_seconds
        workers = config.engine.workers
        together = (
            max(self.step_seconds, loading / workers) if workers else (self.step_seconds + loading)
        )
        validations = math.ceil(config.own_steps / config.validation.every)
        return config.own_steps * together + validations * self.validation_seconds


def estimate_events(
    config: TrainConfig,
    batches: NumberedBatches | None = None,
    held_out: Sequence[HeldOutImage] = (),
) -> Iterator[Estimate]:
    """Time real steps of a run on its device; each estimate is better than the one before.

    The first estimate is extrapolated from a step with one crop, so it comes soon; where a whole
    step is no matter of minutes, some follow. Nothing is read or written without `batches`: random
    pixels take as long as real ones, and the files of the data need not exist yet. So a window can
    tell the time before it writes anything, in a worker thread that it may close at any estimate::

        config = TrainConfig.model_validate(settings)   # with the absolute paths that it will have
        for cost in estimate_events(config):
            show(cost.step_seconds, cost.total_seconds(config))

    Parameters
    ----------
    config : TrainConfig
        The run.
    batches : NumberedBatches, optional
        Its training batches; then the preparation of one is timed too.
    held_out : sequence of HeldOutImage
        Its validation images; without them a validation is taken to be as long as it may be.

    Yields
    ------
    Estimate

    Raises
    ------
    DGNOError
        If the device is not there or its memory is too small, or the images cannot be read.
    """
    needed = needed_bytes(config)
    check_memory(config, needed)
    cost = Estimate(parameter_count(config), needed, 0.0)
    whole = _random_batch(config, config.batch) if batches is None else None
    if batches is not None:
        began = time.perf_counter()
        whole = batches[0]
        cost = replace(cost, batch_seconds=time.perf_counter() - began)
    assert whole is not None
    step, forward = _stepper(config)
    one = _first_crop(whole)
    seconds = min(step(one), step(one))
    pixels = sum(image.blurred[0].numel() for image in held_out)
    pixels = pixels or config.validation.images * config.validation.side**2
    cost = replace(
        cost,
        step_seconds=seconds * config.accumulate * config.batch,
        validation_seconds=forward(one) * pixels / config.crop**2,
    )
    yield cost
    is_quick = cost.step_seconds < PATIENCE
    if config.batch * config.accumulate == 1 or not is_quick or needed > _room(config):
        return
    timed = []
    for _ in range(TIMED_STEPS):
        timed.append(sum(step(whole) for _ in range(config.accumulate)))
        yield replace(cost, step_seconds=min(timed))


def estimate(
    config: TrainConfig,
    batches: NumberedBatches | None = None,
    held_out: Sequence[HeldOutImage] = (),
) -> Estimate:
    """The last and best of the estimates of `estimate_events`."""
    *_, best = estimate_events(config, batches, held_out)
    return best


def _stepper(config: TrainConfig) -> tuple[Callable[[Batch], float], Callable[[Batch], float]]:
    """Functions that take one step and one forward pass of a new network; both give seconds."""
    fabric = launch(config.engine.changed(devices=1))
    network = build_model(config.model)
    state = TrainState(place(network, fabric.device), config.optim)
    if config.engine.compiled_scan:
        use_backend(network, "compiled")
    if config.engine.recompute:
        recompute_activations(network)
    model, optimizer = fabric.setup(network, state.optimizer)
    objective = build_objective(config.loss)

    def timed(work: Callable[[Batch], None], batch: Batch) -> float:
        moved = batch.to(fabric.device)
        began = time.perf_counter()
        work(moved)
        if fabric.device.type == "cuda":
            torch.cuda.synchronize(fabric.device)
        return time.perf_counter() - began

    def step(batch: Batch) -> None:
        fabric.backward(objective(model, batch, torch.Generator().manual_seed(0)))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        state.update_average(config.optim.ema)

    def forward(batch: Batch) -> None:
        with torch.inference_mode():
            state.average(batch.blurred)

    return lambda batch: timed(step, batch), lambda batch: timed(forward, batch)


def _random_batch(config: TrainConfig, count: int, side: int | None = None) -> Batch:
    """Crops of random pixels, of the shapes that the run has."""
    side = side or config.crop
    shape = (count, config.model.channels, side, side)
    blurred, sharp = torch.rand(shape), torch.rand(shape)
    if config.extra is None:
        return Batch(blurred, sharp)
    return Batch(blurred, sharp, torch.rand(shape), torch.rand(shape))


def _first_crop(batch: Batch) -> Batch:
    first: dict[str, Any] = {name: tensor[:1] for name, tensor in batch.tensors().items()}
    return Batch(**first)


def parameter_count(config: TrainConfig) -> int:
    """Number of trained numbers of a network, without its memory."""
    with torch.device("meta"):
        return sum(p.numel() for p in build_model(config.model).parameters())


def check_memory(config: TrainConfig, needed: int | None = None) -> None:
    """Refuse a run that its device cannot hold by far, before anything is prepared for it.

    What is kept is counted in float32, and half of it may do; so a run that needs less than twice
    of what is free is left to try.

    Raises
    ------
    DGNOError
        If the device is not there, or its memory is far too small.
    """
    needed = needed_bytes(config) if needed is None else needed
    free = _room(config)
    if needed > 2 * free:
        raise DGNOError(
            f"A step of {config.batch} crops of {config.crop} pixels takes about "
            f"{needed / 1e9:,.0f} GB of memory and {free / 1e9:,.1f} GB are free on "
            f"{resolve_device(config.engine.device)}; make batch or crop smaller."
        )


def _room(config: TrainConfig) -> int:
    return available_bytes(resolve_device(config.engine.device))


def needed_bytes(config: TrainConfig) -> int:
    """Bytes of the weights, the optimiser and one forward pass of a run, in float32."""
    return 4 * COPIES * parameter_count(config) + saved_bytes(config)


def saved_bytes(config: TrainConfig) -> int:
    """Bytes that one forward pass keeps for its backward pass, in float32.

    Counted for one small crop on the meta device, so it costs neither time nor memory; the rest is
    in proportion. Buffers of single operations, and with recomputed activations those of one
    block, come on top.

    Parameters
    ----------
    config : TrainConfig
        The run.

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

    multiple = config.model.multiple
    side = min(config.crop, math.ceil(COUNTED_SIDE / multiple) * multiple)
    meta = _random_batch(config, 1, side).to(torch.device("meta"))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        build_objective(config.loss)(model, meta, torch.Generator().manual_seed(0))
    return sum(sizes.values()) * config.batch * config.crop**2 // side**2
