"""The training run as a generator of events: the shell, the window and the tests drive it alike."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dgno_core.encoders.attentive_scan import use_backend
from dgno_core.errors import DGNOError
from dgno_core.io.atomic import begin, publish, recover, writing
from dgno_core.models.build import build_model
from dgno_core.models.checkpoint import load_model
from dgno_core.models.device import place
from dgno_core.models.network import Network
from dgno_core.training.checks import check_run
from dgno_core.training.claim import claim, held, is_asked_to_stop, release
from dgno_core.training.config import TrainConfig
from dgno_core.training.events import (
    BatchReplaced,
    CheckpointSaved,
    PictureSaved,
    StepDone,
    TrainEvent,
    TrainFinished,
    TrainStarted,
    TrainStopped,
    Validated,
)
from dgno_core.training.fabric import launch, recompute_activations
from dgno_core.training.faults import fault_of
from dgno_core.training.files import BEST, PICTURES
from dgno_core.training.loader import Batch, NumberedBatches, Waiting, load_batches
from dgno_core.training.logs import Logs
from dgno_core.training.objective import build_objective
from dgno_core.training.results import (
    BLURRED,
    RESTORED,
    SSIM,
    is_done,
    save_weights,
    set_aside,
)
from dgno_core.training.schedule import learning_rate
from dgno_core.training.sources import TrainingData, open_data, open_extra
from dgno_core.training.state import FILE_NAME, TrainState
from dgno_core.training.together import all_said, any_of, be_patient, raise_together
from dgno_core.training.validation import mean_scores, save_picture, validate

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SEED_STRIDE = 1_000_003
# Another stream than that of the batches, which have the same numbers.
NETWORK_SEED = 500_000_000_003
MOST_SKIPPED = 50
# What a card tells of the weights that a run started from.
FROM_START = ("name", "weights_sha256", "data", "licences")


def train_events(config: TrainConfig, *, resume: bool = False) -> Generator[TrainEvent, None, None]:
    """Train a network; closing the generator stops the run after the step in hand, resumably.

    Writes into ``config.out``: ``config.json``, ``log.jsonl`` (every event), ``log.csv``,
    ``last.pt`` (the checkpoint), ``best.safetensors``, ``pictures/`` and at the end
    ``<name>.safetensors``. Each file is replaced whole or not at all.

    With several devices every process runs this; only the first one yields events and writes.

    A run in parts (`TrainConfig.after`) does what is left of each, one after the other; all but the
    last one end without a `TrainFinished`.

    Parameters
    ----------
    config : TrainConfig
        The run.
    resume : bool
        Go on from ``last.pt``; bit for bit as if the run had not stopped (on a CPU, with as many
        threads).

    Yields
    ------
    TrainEvent

    Raises
    ------
    DGNOError
        If data or a checkpoint cannot be read, the folder holds another run or is in use, or the
        loss is no longer finite.
    """
    check_run(config, resume=resume)
    began = time.monotonic()
    for part in config.parts:
        if part is not config and is_done(part):
            continue
        with held(config.out) if part is not config else contextlib.nullcontext():
            goes_on = resume and (part.out / FILE_NAME).exists()
            with contextlib.closing(
                _train_part(part, goes_on, _Control(config.out, began))
            ) as events:
                for event in events:
                    if part is not config and isinstance(event, TrainStarted):
                        _write_settings(config)  # the folder is that of a run from now on
                    if part is config or not isinstance(event, TrainFinished):
                        yield event
                    if isinstance(event, TrainStopped):
                        return


def _train_part(
    config: TrainConfig, resume: bool, control: _Control
) -> Generator[TrainEvent, None, None]:
    """Train one part of a run, or a whole one."""
    all_outputs_count = config.loss.pixel == "multiscale" or config.model.kind != "dgno"
    fabric = launch(config.engine, all_outputs_count=all_outputs_count)
    try:
        _on_first(fabric, _take_folder, config)
        run = _open(fabric, config, control, resume=resume)
        if not resume:
            _on_first(fabric, set_aside, config)
        if not fabric.is_global_zero:
            for _ in run.events():
                pass
            return
        _write_settings(config)
        with Logs(config.out, tensorboard=config.engine.tensorboard) as logs:
            try:
                for event in run.events():
                    logs.write(event)
                    yield event
            except GeneratorExit:
                # Between two events the state is whole: what is due is done after resuming.
                if run.state.step:
                    run.state.save(config.out, config)
                raise
    finally:
        if fabric.is_global_zero:
            release(config.out)
            # A refused run leaves no empty folder.
            with contextlib.suppress(OSError):
                config.out.rmdir()


def _on_first(fabric: Fabric, act: Callable[[TrainConfig], None], config: TrainConfig) -> None:
    """Let the first process do something for all of them; all fail if it cannot."""
    error = None
    if fabric.is_global_zero:
        try:
            act(config)
        except DGNOError as found:
            error = found
    raise_together(fabric, error)


def _take_folder(config: TrainConfig) -> None:
    """Make the run's folder and claim it."""
    with writing(config.out):
        config.out.mkdir(parents=True, exist_ok=True)
        recover(config.out)
        claim(config.out)


def _write_settings(config: TrainConfig) -> None:
    """Record the settings, once everything has been accepted."""
    path = config.out / "config.json"
    with writing(path):
        part = begin(path)
        part.write_text(config.model_dump_json(indent=2), encoding="utf-8")
        publish(part, path)


def _open(fabric: Fabric, config: TrainConfig, control: _Control, *, resume: bool) -> _Run:
    """Open data and weights, in every process."""
    data = open_data(config)
    batches = NumberedBatches(data.batches, open_extra(config))
    torch.manual_seed(config.seed)
    goes_on = resume or config.continues
    model = build_model(config.model) if goes_on else _start(config)
    state = TrainState(place(model, fabric.device), config.optim)
    if goes_on:
        before = config.after if config.after and not resume else config
        state.load(before.out, config, fabric.device)
        if state.step > config.steps:
            raise DGNOError(
                f"The run in {config.out} is already at step {state.step}, past steps: "
                f"{config.steps}; give more steps to go on."
            )
    elif model.card is not None:
        state.start = model.card.model_dump(mode="json", include=set(FROM_START))
    return _Run(config, fabric, state, data, batches, control)


def _start(config: TrainConfig) -> Network:
    """A network with random weights, or with those to start from."""
    given = config.after.weights if config.after else config.start
    if given is None:
        return build_model(config.model)
    start = load_model(given, "cpu")
    model = build_model(config.model)
    try:
        # Networks that differ in flux or boundary only, such as Cell and Face, share their tensors.
        model.load_state_dict(start.state_dict())
    except RuntimeError as error:
        raise DGNOError(
            f"The weights {given} are of another network than the config describes; leave "
            "out `model` to take theirs."
        ) from error
    model.card = start.card
    return model


@dataclass(frozen=True)
class _Control:
    """Where a run is asked to stop, and when it began, for all of its parts."""

    folder: Path
    began: float


@dataclass
class _Run:
    """One call of `train_events` on one process."""

    config: TrainConfig
    fabric: Fabric
    state: TrainState
    data: TrainingData
    batches: NumberedBatches
    control: _Control
    waiting: Waiting = field(default_factory=Waiting)

    def __post_init__(self) -> None:
        self.objective = build_objective(self.config.loss)
        self.patience = be_patient(self.fabric)
        if self.config.engine.compiled_scan:
            use_backend(self.state.model, "compiled")
        if self.config.engine.recompute:
            recompute_activations(self.state.model)
        model, optimizer = self.fabric.setup(self.state.model, self.state.optimizer)
        self.model: Any = model
        self.optimizer: Any = optimizer
        if self.state.loss_scale:
            self._precision.load_state_dict(self.state.loss_scale)

    @property
    def _precision(self) -> Any:
        return self.fabric.strategy.precision

    def events(self) -> Iterator[TrainEvent]:
        """Steps, validations and checkpoints up to the last step or a wish to stop."""
        config, state = self.config, self.state
        yield TrainStarted(
            state.step,
            config.steps,
            sum(p.numel() for p in state.model.parameters()),
            self.data.images,
            len(self.data.held_out),
            str(self.fabric.device),
            config.out,
            self.data.notes,
        )
        batches = self._batches()
        stepped = False
        while True:
            last = state.step >= config.steps
            reason = self._reason_to_stop() if stepped and not last else None
            if self._validation_is_due():
                yield from self._validate()
            if self.fabric.is_global_zero:
                at_checkpoint = state.step % config.checkpoint_every == 0
                if stepped and (last or reason or at_checkpoint):
                    yield CheckpointSaved(state.step, state.save(config.out, config))
            if last or reason:
                break
            yield from self._step(batches)
            stepped = True
        if self.fabric.is_global_zero:
            path = save_weights(state, config, config.weights)
            if reason:
                yield TrainStopped(state.step, config.steps, reason, path)
            else:
                best = config.out / BEST if math.isfinite(state.best) else None
                yield TrainFinished(state.step, path, best)
        self.fabric.barrier()

    def _validation_is_due(self) -> bool:
        """Also after a resume: the run may have stopped between a step and its validation."""
        step, every = self.state.step, self.config.validation.every
        is_time = step == self.config.steps or step % every == 0
        return step > 0 and is_time and self.state.validated != step

    def _batches(self) -> Iterator[Batch]:
        """Batches of this process from the present step on, numbered alike for any worker."""
        config, world = self.config, self.fabric.world_size
        first, last = (step * config.accumulate * world for step in (self.state.step, config.steps))
        numbers = range(first + self.fabric.global_rank, last, world)
        return load_batches(self.batches, numbers, config.engine.workers, self.waiting)

    def _step(self, batches: Iterator[Batch]) -> Iterator[TrainEvent]:
        config, state = self.config, self.state
        began, waited = time.perf_counter(), self.waiting.seconds
        rate = learning_rate(state.step, config.planned, config.optim)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        total = 0.0
        for part in range(config.accumulate):
            batch = self._next(batches)
            faults = all_said(self.fabric, batch.faults)
            yield from (BatchReplaced(state.step + 1, fault) for fault in faults)
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
        raise_together(self.fabric, error)
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
        raise_together(self.fabric, fault_of(value, name, step, batch, self.config.out, rank))

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

    def _reason_to_stop(self) -> str | None:
        """Why to stop now; all processes agree on it."""
        minutes = self.config.engine.minutes
        if any_of(self.fabric, is_asked_to_stop(self.control.folder)):
            return "as asked"
        late = minutes is not None and time.monotonic() - self.control.began > 60 * minutes
        if any_of(self.fabric, late):
            return f"the time budget of {minutes:g} minutes is used up"
        return None

    def _validate(self) -> Iterator[TrainEvent]:
        config, state = self.config, self.state
        state.validated = state.step
        if not self.data.held_out:
            return
        # Each process restores its share, and waits for the others however long they take.
        rank, world = self.fabric.global_rank, self.fabric.world_size
        mine = validate(state.average, self.data.held_out[rank::world], self.fabric.device)
        shares = self.patience.gather(mine)
        count = len(self.data.held_out)
        found = [shares[number % world][number // world] for number in range(count)]
        scores = mean_scores([score for score, _ in found])
        state.scores = {
            BLURRED: scores.blurred,
            RESTORED: scores.psnr,
            SSIM: scores.ssim,
        }
        is_best = scores.psnr > state.best
        if is_best:
            state.best = scores.psnr
        if not self.fabric.is_global_zero:
            return
        if is_best:
            save_weights(state, config, config.out / BEST)
        yield Validated(state.step, scores.blurred, scores.psnr, scores.ssim, is_best)
        shown = zip(self.data.held_out, found, strict=True)
        for number, (image, (_, output)) in enumerate(shown):
            if number < config.validation.pictures:
                path = Path(config.out / PICTURES / f"{number + 1}-step-{state.step:06d}.png")
                save_picture(image, output, path)
                yield PictureSaved(state.step, path)
