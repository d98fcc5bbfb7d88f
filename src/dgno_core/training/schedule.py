"""The learning rate over a run."""

from __future__ import annotations

import math

from dgno_core.training.config import OptimConfig


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
