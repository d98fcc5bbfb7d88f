"""A layer that is written to a file in the background."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dgno._writer import Content, Saved, saving

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_dgno.shared.workers import EventWorker


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
    worker: EventWorker | None = None
    saved: Saved | None = None

    @property
    def verb(self) -> str:
        """Say what is done, as the beginning of a sentence about the layer."""
        return "Saving"

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop; once the last plane is written that comes too late."""
        return self.saved is None and self.worker is not None and self.worker.abort_requested

    @property
    def outcome(self) -> str:
        """What to say at the end; nothing after an error."""
        if self.saved is not None:
            return f"Saved as {self.saved.paths[0]}."
        return "Cancelled; nothing was written." if self.cancelled else ""

    def events(self) -> Iterator[Any]:
        """Write it, in the worker; see `saving`."""
        with closing(saving(self.content, self.path)) as work:
            for event in work:
                if isinstance(event, Saved):
                    self.saved = event  # it is there, even if nobody waits for it any more
                yield event
