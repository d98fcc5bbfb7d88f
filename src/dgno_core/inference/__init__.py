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
from dgno_core.inference.preview import (
    measure_ranges,
    restore_region,
    restore_region_events,
)
from dgno_core.inference.restore import restore, restore_events

__all__ = [
    "PlaneMeasured",
    "PlaneRestored",
    "RegionRestored",
    "RestoreConfig",
    "RestoreEvent",
    "RestoreStarted",
    "RestoreWarned",
    "Restored",
    "TileRestored",
    "measure_ranges",
    "restore",
    "restore_events",
    "restore_region",
    "restore_region_events",
]
