"""How tests use the Train panel in a real window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FAKE = Path(__file__).with_name("fake_training.py")


def click(qtbot: Any, button: Any) -> None:
    from qtpy.QtCore import Qt

    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def wait_until(qtbot: Any, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=60_000)  # the machine may be busy


def textured(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=shape)
    return (3000 + 6000 * gaussian_filter(noise, 1.5)).clip(0, 65535).astype(np.uint16)


def start(qtbot: Any, panel: Any) -> Any:
    click(qtbot, panel.form.train_button)
    wait_until(qtbot, lambda: panel._run is not None)
    return panel._run


def wait_for_step(qtbot: Any, panel: Any, step: int) -> None:
    wait_until(qtbot, lambda: panel._run.record.step >= step)


def wait_for_end(qtbot: Any, panel: Any) -> None:
    wait_until(qtbot, lambda: not panel._poll_timer.isActive())


def text(label: Any) -> str:
    from html import unescape

    return unescape(label.text())
