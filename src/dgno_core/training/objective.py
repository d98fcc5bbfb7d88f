"""The loss of a step, as the config says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from dgno_core.losses import multiscale_loss, pixel_loss
from dgno_core.training.config import LossConfig
from dgno_core.training.loader import Batch

Forward = Callable[[Tensor], Sequence[Tensor]]
Objective = Callable[[Forward, Batch, torch.Generator], Tensor]


def build_objective(config: LossConfig) -> Objective:
    """Function of a network and a batch.

    Parameters
    ----------
    config : LossConfig
        Pixel loss and regularisation.

    Returns
    -------
    callable
        ``objective(forward, batch, generator)`` gives a scalar with gradients; the generator is
        the source of the random reblur of EFCR.
    """

    def pixel(outputs: Sequence[Tensor], sharp: Tensor) -> Tensor:
        if config.pixel == "l1":
            return pixel_loss(outputs, sharp)
        return multiscale_loss(
            outputs,
            sharp,
            downsample=config.downsample,
            frequency_weight=config.frequency_weight,
        )

    def objective(forward: Forward, batch: Batch, generator: torch.Generator) -> Tensor:
        outputs = forward(batch.blurred)
        loss = pixel(outputs, batch.sharp)
        if config.efcr is not None:
            loss = loss + config.efcr(
                forward,
                outputs[-1],
                batch.sharp,
                batch.blurred,
                generator,
                extra_blurred=batch.extra_blurred,
                extra_target=batch.extra_sharp,
            )
        return loss

    return objective
