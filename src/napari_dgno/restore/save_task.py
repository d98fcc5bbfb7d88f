"""A layer that is written to a file in the background."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from napari_dgno._writer import Content, Saved, saving

if TYPE_CHECKING:
    from napari.layers import Image


@dataclass
class SaveTask:
    """A layer being saved, for a worker and for the panel that shows how far it is.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    path : pathlib.Path
        The file; it is replaced if it is there.
    content : Content
        What the layer held when saving began.
    """

    layer: Image
    path: Path
    content: Content
    saved: Saved | None = None
    verb: ClassVar[str] = "Saving"
    cancelled: ClassVar[str] = "Cancelled; nothing was written."

    @property
    def done(self) -> str:
        """What to say once the last plane is written, also if it was cancelled after that."""
        return "" if self.saved is None else f"Saved as {self.saved.paths[0]}."

    def events(self) -> Iterator[Any]:
        """Write it, in the worker; see `saving`."""
        with closing(saving(self.content, self.path)) as work:
            for event in work:
                if isinstance(event, Saved):
                    self.saved = event  # it is there, even if nobody waits for it any more
                yield event
