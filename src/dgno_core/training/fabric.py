"""Devices, precision and processes, through lightning-fabric."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from dgno_core.errors import DGNOError
from dgno_core.models.device import resolve_device
from dgno_core.training.config import EngineConfig

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}
# Two can always be tried out, also on one core.
FEWEST_PROCESSES = 2


def launch(config: EngineConfig, *, all_outputs_count: bool = True) -> Fabric:
    """Start the processes of a run; each goes on from here.

    With several devices the command is run once more for each further one, so this must be the
    same command on every process (`dgno-train`, or torchrun).

    Parameters
    ----------
    config : EngineConfig
        Device, number of processes, precision.
    all_outputs_count : bool
        Whether every parameter has a part in the loss.

    Returns
    -------
    Fabric

    Raises
    ------
    DGNOError
        If there are not so many devices, or they cannot compute in this precision.
    """
    device = check_engine(config)
    with _quiet():
        from lightning_fabric import Fabric

        devices: Any = config.devices
        if device.index is not None and config.devices == 1:
            devices = [device.index]
        fabric = Fabric(
            accelerator=device.type,
            devices=devices,
            strategy="auto" if config.devices == 1 else _strategy(all_outputs_count),
            precision=PRECISIONS[config.precision],
        )
        fabric.launch()
    return fabric


def check_engine(config: EngineConfig) -> torch.device:
    """Device of a run, if this computer has what it needs.

    Raises
    ------
    DGNOError
        If there are not so many devices, or they cannot compute in this precision.
    """
    device = resolve_device(config.device)
    if device.type == "cuda" and config.devices > torch.cuda.device_count():
        raise DGNOError(
            f"engine.devices is {config.devices}, but this computer has "
            f"{torch.cuda.device_count()} GPUs."
        )
    cores = os.cpu_count() or 1
    if device.type == "cpu" and config.devices > max(cores, FEWEST_PROCESSES):
        raise DGNOError(
            f"engine.devices is {config.devices}, but this computer has {cores} processor cores, "
            "and more processes would only wait for each other."
        )
    if device.type == "mps" and config.devices > 1:
        raise DGNOError("Apple's mps is one device; set engine.devices to 1.")
    if config.precision == "fp16" and device.type == "cpu":
        raise DGNOError("A CPU trains in fp32 or bf16, not in fp16; change engine.precision.")
    return device


def _strategy(all_outputs_count: bool) -> str:
    return "ddp" if all_outputs_count else "ddp_find_unused_parameters_true"


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's own remarks about the machine."""
    logger = logging.getLogger("lightning.fabric")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning_fabric")
        try:
            yield
        finally:
            logger.setLevel(level)


def recompute_activations(model: nn.Module) -> None:
    """Keep only the inputs of each block for the backward pass, and compute the rest again.

    Parameters
    ----------
    model : nn.Module
        Changed in place: what stands in an outermost sequence is taken for a block.
    """
    for child in model.children():
        if isinstance(child, nn.Sequential):
            for block in child:
                block.forward = partial(checkpoint, block.forward, use_reentrant=False)
        else:
            recompute_activations(child)
