"""The plugin's preferences, as napari keeps them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLUGIN = "napari-dgno"


@dataclass(frozen=True)
class Preferences:
    """What a user sets once under File > Preferences > DGNO deblurring.

    Parameters
    ----------
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    tile : int or None
        Side of the tiles in pixels; None lets the model decide.
    model_folder : pathlib.Path or None
        Folder with the user's own models, if any.
    memory_share : float
        Share of the free memory that a restoration may use, 0 to 1.
    threads : int
        Processor threads to compute with; 0 takes the cores that are free.
    runs_folder : pathlib.Path
        Folder in which each training gets its own.
    """

    device: str = "auto"
    tile: int | None = None
    model_folder: Path | None = None
    memory_share: float = 0.5
    threads: int = 0
    runs_folder: Path = field(default_factory=lambda: Path.home() / "napari-dgno-runs")


def preference_model() -> Any | None:
    """Return napari's live, evented settings of this plugin; None if napari knows none.

    That is so while the plugin is not registered (a script that makes the panel by hand).
    """
    return _part("restoration")


def training_model() -> Any | None:
    """Return napari's live settings of training, in the same way."""
    return _part("training")


def _part(name: str) -> Any | None:
    from napari.settings import get_plugin_settings

    try:
        return getattr(get_plugin_settings(PLUGIN), name)
    except (KeyError, AttributeError):
        return None


def read_preferences() -> Preferences:
    """Read the preferences, or the defaults where napari has none for this plugin."""
    model = preference_model()
    if model is None:
        return Preferences()
    training = training_model()
    runs = _folder("" if training is None else training.runs_folder)
    return Preferences(
        device=model.device,
        tile=model.tile or None,
        model_folder=_folder(model.model_folder),
        memory_share=model.memory_share,
        threads=model.threads,
        **({} if runs is None else {"runs_folder": runs}),
    )


def keep_model_folder(text: str) -> bool:
    """Make a folder the preferred one of the user's own models; False if napari keeps none.

    Parameters
    ----------
    text : str
        Its path; empty for no folder.
    """
    model = preference_model()
    if model is None:
        return False
    model.model_folder = text.strip()
    return True


def _folder(text: str) -> Path | None:
    text = text.strip()
    return Path(os.path.expanduser(text)) if text else None
