"""Lets something happen before napari saves layers; knows no Qt.

napari hands all layers of its list to whatever writes them: no mark leaves one out, and no event
comes before. All of its ways to save, its menu, its shortcuts and scripts, call `LayerList.save`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import LayerList


class SaveHook:
    """Calls a function before the layers of one list are saved, until it is removed.

    Parameters
    ----------
    layers : napari.components.LayerList
        Of a viewer; nothing else of it changes, and other lists stay as they are.
    before : callable
        Called first; it may remove the hook.
    """

    def __init__(self, layers: LayerList, before: Callable[[], None]) -> None:
        self._layers = layers
        save = layers.save

        def save_after(*args: Any, **keywords: Any) -> list[str]:
            before()
            return save(*args, **keywords)

        self._hook = save_after
        vars(layers)["save"] = save_after

    def remove(self) -> None:
        """Let the list save as ever; safe to call twice."""
        if vars(self._layers).get("save") is self._hook:
            del vars(self._layers)["save"]
