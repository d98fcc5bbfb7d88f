"""How tests use the Inspect and Detect panels in a real window."""

from __future__ import annotations

from typing import Any

import numpy as np

from support.train_panel import click


def analyse(qtbot: Any, panel: Any, button: Any, seconds: int = 300) -> None:
    """Press a button and wait until the panel is idle again; the machine may be busy."""
    click(qtbot, button)
    qtbot.waitUntil(lambda: not panel.is_running, timeout=1000 * seconds)


def spots(shape: tuple[int, int] = (64, 80), bright: int = 4000) -> np.ndarray:
    """Return four square spots on a dark ground, two bright and two of half the brightness."""
    image = np.full(shape, 100, np.uint16)
    for row, column, value in ((8, 8, 1), (8, 40, 1), (40, 8, 0.3), (40, 40, 0.3)):
        image[row : row + 10, column : column + 12] = int(bright * value)
    return image


def said(panel: Any) -> str:
    """Return what the panel says, messages and status."""
    return f"{panel.display.messages.text()} {panel.display.status.text()}"
