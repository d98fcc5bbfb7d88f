"""Training: configuration, engine, checkpoints and events.

The names are loaded on first use: asking whose run a folder is must not load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dgno_core.training.config import TrainConfig as TrainConfig
    from dgno_core.training.config_file import load_config as load_config
    from dgno_core.training.engine import train_events as train_events

_HOMES = {"TrainConfig": "config", "load_config": "config_file", "train_events": "engine"}

__all__ = ["TrainConfig", "load_config", "train_events"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"dgno_core.training.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
