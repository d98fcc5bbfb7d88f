"""Networks, their weights files and their cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dgno_core.models.architectures import ARCHITECTURES, architecture, model_names
from dgno_core.models.card import ModelCard
from dgno_core.models.config import (
    DGNOConfig,
    MPTConfig,
    NAFNetConfig,
    NetworkConfig,
    RestormerConfig,
)
from dgno_core.models.weights import default_weights, find_weights, read_card, weights_names

if TYPE_CHECKING:
    from dgno_core.models.build import build_model
    from dgno_core.models.checkpoint import load_model, save_model
    from dgno_core.models.convert import convert_checkpoint
    from dgno_core.models.device import resolve_device

__all__ = [
    "ARCHITECTURES",
    "DGNOConfig",
    "MPTConfig",
    "ModelCard",
    "NAFNetConfig",
    "NetworkConfig",
    "RestormerConfig",
    "architecture",
    "build_model",
    "convert_checkpoint",
    "default_weights",
    "find_weights",
    "load_model",
    "model_names",
    "read_card",
    "resolve_device",
    "save_model",
    "weights_names",
]

# What needs torch is imported on first use: cards and names must answer at once.
_NEEDS_TORCH = {
    "build_model": "build",
    "convert_checkpoint": "convert",
    "load_model": "checkpoint",
    "save_model": "checkpoint",
    "resolve_device": "device",
}


def __getattr__(name: str) -> Any:
    if name in _NEEDS_TORCH:
        from importlib import import_module

        return getattr(import_module(f"dgno_core.models.{_NEEDS_TORCH[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
