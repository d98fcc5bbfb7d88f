"""Training: configuration, engine, checkpoints and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dgno_core.training.config import TrainConfig
from dgno_core.training.config_file import load_config

if TYPE_CHECKING:
    from dgno_core.training.engine import train_events

__all__ = ["TrainConfig", "load_config", "train_events"]


def __getattr__(name: str) -> Any:
    if name == "train_events":
        from dgno_core.training.engine import train_events

        return train_events
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
