"""The training run as a generator of events."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import torch
from torch import Tensor

from dgno_core.data.degrade_config import DegradeConfig
from dgno_core.data.patches import SyntheticPairs
from dgno_core.data.sharp_images import PERCENTILES, load_sharp_images, read_list
from dgno_core.errors import DGNOError
from dgno_core.losses import multiscale_loss
from dgno_core.models.card import ModelCard
from dgno_core.models.checkpoint import save_model
from dgno_core.models.device import place, resolve_device
from dgno_core.models.network import Network
from dgno_core.models.registry import build_model
from dgno_core.training.config import DataConfig, OptimConfig, TrainConfig
from dgno_core.training.events import (
    CheckpointSaved,
    StepDone,
    TrainEvent,
    TrainFinished,
    TrainStarted,
    Validated,
)
from dgno_core.training.state import FILE_NAME, TrainState

VALIDATION_BATCHES = 6
# Validation draws from its own stream of batches, far from any training seed.
VALIDATION_SEED = 7_000_000
TILE = 512


def learning_rate(step: int, total: int, optim: OptimConfig) -> float:
    """Linear warm-up, then a half cosine from `lr` to `final_lr`.

    Parameters
    ----------
    step : int
        Number of the step, from 0 on.
    total : int
        Steps of the whole run.
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


def named_images(data: DataConfig) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Training and held-out images, each with its weight in the draw.

    Parameters
    ----------
    data : DataConfig
        Sources; each source's share is spread over its images.

    Returns
    -------
    train, held_out : list of (str, float)

    Raises
    ------
    DGNOError
        If a source names too few images.
    """
    train: list[tuple[str, float]] = []
    held_out: list[tuple[str, float]] = []
    for source in data.sources:
        names = [name for name in read_list(source.list) if name.startswith(source.contains)]
        if len(names) < 2:
            raise DGNOError(
                f"{source.list} names {len(names)} images that start with "
                f"{source.contains!r}; at least 2 are needed, one of them for validation."
            )
        weighted = [(name, source.share / len(names)) for name in names]
        held_out += weighted[:: data.held_out_every]
        train += [pair for i, pair in enumerate(weighted) if i % data.held_out_every]
    return train, held_out


def _pairs(
    config: TrainConfig, named: list[tuple[str, float]], seed: int, degrade: DegradeConfig
) -> SyntheticPairs:
    names, weights = zip(*named, strict=True)
    images = load_sharp_images(config.data.root, names, config.model.channels)
    return SyntheticPairs(
        images,
        weights,
        crop=config.crop,
        batch=config.batch,
        config=degrade,
        seed=seed,
    )


def psnr(output: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image of a batch, in dB, for a peak of 1."""
    return -10 * (output - target).square().flatten(1).mean(1).log10()


def validate(model: Network, pairs: SyntheticPairs, device: torch.device) -> tuple[float, float]:
    """PSNR in dB of blurred and of restored crops, means over the same crops every time.

    Parameters
    ----------
    model : Network
        The network.
    pairs : SyntheticPairs
        Held-out crops.
    device : torch.device
        Where the network is.

    Returns
    -------
    blurred, restored : float
    """
    model.eval()
    before, after = [], []
    with torch.inference_mode():
        for number in range(VALIDATION_BATCHES):
            blurred, sharp = (t.to(device) for t in pairs.batch(number))
            before.append(psnr(blurred, sharp))
            after.append(psnr(model(blurred)[-1], sharp))
    return float(torch.cat(before).mean()), float(torch.cat(after).mean())


def _check_finite(value: float, name: str, step: int) -> None:
    """Stop before the weights are spoilt."""
    if not math.isfinite(value):
        raise DGNOError(
            f"The {name} is {value} at step {step + 1}; the last checkpoint is kept. "
            "Lower optim.lr and resume."
        )


def _train_step(
    state: TrainState, pairs: SyntheticPairs, config: TrainConfig, device: torch.device
) -> StepDone:
    began = time.perf_counter()
    rate = learning_rate(state.step, config.steps, config.optim)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    # Draws inside the network depend on the step alone, so a resumed run repeats them.
    torch.manual_seed(config.seed * 1_000_003 + state.step)
    blurred, sharp = (t.to(device) for t in pairs.batch(state.step))
    state.model.train()
    loss = multiscale_loss(state.model(blurred), sharp)
    value = float(loss.detach())
    _check_finite(value, "loss", state.step)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = float(torch.nn.utils.clip_grad_norm_(state.model.parameters(), config.optim.clip))
    _check_finite(norm, "gradient", state.step)
    state.optimizer.step()
    state.step += 1
    state.update_average(config.optim.ema)
    seconds = time.perf_counter() - began
    return StepDone(state.step, config.steps, value, rate, seconds)


def _finish(state: TrainState, config: TrainConfig) -> Path:
    model = state.average
    assert isinstance(model, Network)
    text = config.card
    # Tiles lie on the common grid of 32 pixels, and on that of the network's elements.
    multiple = math.lcm(32, config.model.multiple)
    card = ModelCard(
        name=config.name,
        title=text.title,
        summary=text.summary,
        config=config.model,
        tile=TILE // multiple * multiple,
        multiple=multiple,
        percentiles=PERCENTILES,
        blur_px=(0.0, config.data.degrade.max_width),
        pixel_size_um=text.pixel_size_um,
        data=text.data,
        licences=text.licences,
        recipe=json.dumps({**config.recipe, "history": state.history}),
        budget=f"{config.steps} steps of {config.batch} crops of {config.crop} pixels",
        scores=dict(state.scores),
        not_for=text.not_for,
    )
    path = config.out / f"{config.name}.safetensors"
    save_model(model, card, path, dtype=torch.float16)
    return path


def train_events(config: TrainConfig, *, resume: bool = False) -> Generator[TrainEvent, None, None]:
    """Train a network; closing the generator stops the run after the step in hand.

    Writes into ``config.out``: ``config.json``, ``log.jsonl`` (every event), ``last.pt`` (the
    checkpoint, replaced atomically) and at the end ``<name>.safetensors``.

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
        If data or a checkpoint cannot be read, the folder holds another run, or the loss is no
        longer finite.
    """
    out = config.out
    if not resume and (out / FILE_NAME).exists():
        raise DGNOError(
            f"{out} already holds a run; resume it with --resume or choose another folder."
        )
    device = resolve_device(config.device)
    train, held_out = named_images(config.data)
    degrade = config.data.degrade
    pairs = _pairs(config, train, config.seed, degrade)
    # A crop without blur and noise has an infinite PSNR: it says nothing in a mean.
    always = degrade.changed(share_sharp=0.0, share_clean=0.0)
    checks = _pairs(config, held_out, VALIDATION_SEED, always)
    torch.manual_seed(config.seed)
    model = place(build_model(config.model), device)
    state = TrainState(model, config.optim)
    if resume:
        state.load(out, config, device)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")
    except OSError as error:
        raise DGNOError(
            f"The folder {out} cannot be written ({error.strerror}); choose another."
        ) from error

    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        for event in _run(config, state, pairs, checks, device, len(train), len(held_out)):
            log.write(json.dumps(event.to_dict()) + "\n")
            log.flush()
            yield event


def _run(
    config: TrainConfig,
    state: TrainState,
    pairs: SyntheticPairs,
    checks: SyntheticPairs,
    device: torch.device,
    images: int,
    held_out: int,
) -> Iterator[TrainEvent]:
    parameters = sum(p.numel() for p in state.model.parameters())
    yield TrainStarted(state.step, config.steps, parameters, images, held_out, str(device))
    while state.step < config.steps:
        yield _train_step(state, pairs, config, device)
        last = state.step == config.steps
        if last or state.step % config.validate_every == 0:
            assert isinstance(state.average, Network)
            blurred, restored = validate(state.average, checks, device)
            state.scores = {
                "validation: blurred, dB": blurred,
                "validation: restored, dB": restored,
            }
            yield Validated(state.step, blurred, restored)
        if last or state.step % config.checkpoint_every == 0:
            yield CheckpointSaved(state.step, state.save(config.out, config))
    yield TrainFinished(state.step, _finish(state, config))
