"""Restoring images: plane by plane, tile by tile, within the memory there is."""

from __future__ import annotations

from dgno_core.inference.config import RestoreConfig
from dgno_core.inference.events import (
    PlaneMeasured,
    PlaneRestored,
    RegionRestored,
    Restored,
    RestoreEvent,
    RestoreStarted,
    RestoreWarned,
    TileRestored,
)
from dgno_core.inference.restorer import Restorer
from dgno_core.inference.shortcuts import restore, restore_events

__all__ = [
    "PlaneMeasured",
    "PlaneRestored",
    "RegionRestored",
    "RestoreConfig",
    "RestoreEvent",
    "RestoreStarted",
    "RestoreWarned",
    "Restored",
    "Restorer",
    "TileRestored",
    "restore",
    "restore_events",
]
