"""The demonstration: built-in sharp images, blurred by a known amount, restored and compared."""

from __future__ import annotations

from dgno_core.demo.images import SharpImage, builtin_images
from dgno_core.demo.run import (
    DemoEvent,
    DemoFinished,
    DemoImageRestored,
    DemoRow,
    DemoStarted,
    demo_events,
    demo_table,
)

__all__ = [
    "DemoEvent",
    "DemoFinished",
    "DemoImageRestored",
    "DemoRow",
    "DemoStarted",
    "SharpImage",
    "builtin_images",
    "demo_events",
    "demo_table",
]
