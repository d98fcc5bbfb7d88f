"""The plugin's preferences, as napari keeps them."""

from __future__ import annotations

import os
from dataclasses import dataclass
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
    """

    device: str = "auto"
    tile: int | None = None
    model_folder: Path | None = None
    memory_share: float = 0.5


def preference_model() -> Any | None:
    """Return napari's live, evented settings of this plugin; None if napari knows none.

    That is so while the plugin is not registered (a script that makes the panel by hand).
    """
    from napari.settings import get_plugin_settings

    try:
        return get_plugin_settings(PLUGIN).restoration
    except (KeyError, AttributeError):
        return None


def read_preferences() -> Preferences:
    """Read the preferences, or the defaults where napari has none for this plugin."""
    model = preference_model()
    if model is None:
        return Preferences()
    folder = model.model_folder.strip()
    return Preferences(
        device=model.device,
        tile=model.tile or None,
        model_folder=Path(os.path.expanduser(folder)) if folder else None,
        memory_share=model.memory_share,
    )
