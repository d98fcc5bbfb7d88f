"""The training run as a generator of events: the shell, the window and the tests drive it alike."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import recover, replacing, writing
from dgno_core.models.build import build_model
from dgno_core.models.checkpoint import load_model
from dgno_core.models.device import place
from dgno_core.models.network import Network
from dgno_core.training.checks import check_run
from dgno_core.training.config import TrainConfig
from dgno_core.training.distributed import any_of, be_patient, raise_on_all_ranks
from dgno_core.training.events import (
    CheckpointSaved,
    PictureSaved,
    TrainEvent,
    TrainFinished,
    TrainStarted,
    TrainStopped,
    Validated,
)
from dgno_core.training.fabric import launch
from dgno_core.training.loader import NumberedBatches
from dgno_core.training.results import (
    BLURRED,
    RESTORED,
    SSIM,
    is_done,
    save_weights,
    set_aside,
)
from dgno_core.training.runs.files import BEST, CHECKPOINT, PICTURES, RESOLVED
from dgno_core.training.runs.lock import (
    acquire_lock,
    is_stop_requested,
    release_lock,
    run_lock,
)
from dgno_core.training.runs.log import Logs
from dgno_core.training.sources import TrainingData, open_data, open_extra
from dgno_core.training.state import TrainState
from dgno_core.training.step import OptimiserSteps
from dgno_core.training.validation import mean_scores, save_picture, validate

if TYPE_CHECKING:
    from lightning_fabric import Fabric

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
        with run_lock(config.out) if part is not config else contextlib.nullcontext():
            goes_on = resume and (part.out / CHECKPOINT).exists()
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
            release_lock(config.out)
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
    raise_on_all_ranks(fabric, error)


def _take_folder(config: TrainConfig) -> None:
    """Make the run's folder and take its lock."""
    with writing(config.out):
        config.out.mkdir(parents=True, exist_ok=True)
        recover(config.out)
        acquire_lock(config.out)


def _write_settings(config: TrainConfig) -> None:
    """Record the settings, once everything has been accepted."""
    with replacing(config.out / RESOLVED) as part:
        part.write_text(config.model_dump_json(indent=2), encoding="utf-8")


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

    def __post_init__(self) -> None:
        self.patience = be_patient(self.fabric)
        self.steps = OptimiserSteps(self.config, self.fabric, self.state)

    def events(self) -> Iterator[TrainEvent]:
        """Steps, validations and checkpoints up to the last step or a request to stop."""
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
        batches = self.steps.batches(self.batches)
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
            yield from self.steps.take(batches)
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

    def _reason_to_stop(self) -> str | None:
        """Why to stop now; all processes agree on it."""
        minutes = self.config.engine.minutes
        if any_of(self.fabric, is_stop_requested(self.control.folder)):
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
