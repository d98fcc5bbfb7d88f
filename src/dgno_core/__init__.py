"""Restoration of defocused microscope images with discontinuous Galerkin neural operators.

The public names are loaded on first use: `import dgno_core` imports neither torch nor numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dgno_core.version import __version__

if TYPE_CHECKING:
    from dgno_core.errors import DGNOError as DGNOError
    from dgno_core.evaluation import evaluate_events as evaluate_events
    from dgno_core.inference import RestoreConfig as RestoreConfig
    from dgno_core.inference import Restorer as Restorer
    from dgno_core.inference import restore as restore
    from dgno_core.inference import restore_events as restore_events
    from dgno_core.io import read_image as read_image
    from dgno_core.models import ModelCard as ModelCard
    from dgno_core.models import build_model as build_model
    from dgno_core.models import convert_checkpoint as convert_checkpoint
    from dgno_core.models import load_model as load_model
    from dgno_core.models import read_card as read_card
    from dgno_core.training import train_events as train_events

_HOMES = {
    "DGNOError": "errors",
    "ModelCard": "models",
    "RestoreConfig": "inference",
    "Restorer": "inference",
    "build_model": "models",
    "convert_checkpoint": "models",
    "evaluate_events": "evaluation",
    "load_model": "models",
    "read_card": "models",
    "read_image": "io",
    "restore": "inference",
    "restore_events": "inference",
    "train_events": "training",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *_HOMES})
