"""Where fetched weights lie: a folder of the user, outside of the package."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "DGNO_MODEL_CACHE"


def model_cache() -> Path:
    """Folder of fetched weights; it need not be there.

    Returns
    -------
    Path
        What the environment variable ``DGNO_MODEL_CACHE`` says, or ``napari-dgno/models`` in the
        user's cache folder of this operating system.
    """
    if own := os.environ.get(VARIABLE):
        return Path(own).expanduser()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else _home() / "AppData" / "Local") / "napari-dgno" / "models"
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / "napari-dgno" / "models"
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # Relative paths there must be ignored, as the XDG specification says.
    place = Path(shared) if os.path.isabs(shared) else _home() / ".cache"
    return place / "napari-dgno" / "models"


def _home() -> Path:
    """The user's home; where there is none, a folder that holds nothing."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep) / "nonexistent"
