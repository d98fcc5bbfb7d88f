"""The preview and the newest result of the Restore panel, among the layers of the viewer."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_dgno.shared.layer_order import above_images
from napari_dgno.shared.layers import output_layer, preview_layer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from dgno_core.inference import RestoreConfig
    from dgno_core.io import ImageSource
    from dgno_core.io.provenance import Provenance
    from napari_dgno.shared.compare import CompareBar
    from napari_dgno.shared.layers import ViewRegion


@dataclass(frozen=True)
class Used:
    """With which settings a layer was restored; does not keep a deleted layer in memory."""

    layer: weakref.ref[Image]
    config: RestoreConfig
    tile: int


class Results:
    """Adds results above all images, the newest on top, and hands them to the comparison.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Where the layers go.
    compare_bar : CompareBar
        Compares the newest one with its original.
    """

    def __init__(self, viewer: ViewerModel, compare_bar: CompareBar) -> None:
        self._viewer = viewer
        self._compare_bar = compare_bar
        self._preview: weakref.ref[Image] | None = None
        self.newest: Image | None = None
        self.made_from: Used | None = None

    def add(self, data: Any, provenance: Provenance, used: Used, like: Image) -> None:
        """Add a restored image in place of the preview."""
        self.made_from = used
        self.remove_preview()
        record = provenance.model_dump(mode="json")
        self.newest = output_layer(data, like=like, provenance=record)
        self._add_on_top(self.newest, like)

    def add_preview(
        self, data: Any, region: ViewRegion, model: str, *, like: Image, source: ImageSource
    ) -> None:
        """Add a restored view in place of the last one."""
        self.remove_preview()
        layer = preview_layer(data, like=like, source=source, region=region, model=model)
        self._preview = weakref.ref(layer)
        self._add_on_top(layer, like)

    def remove_preview(self) -> None:
        """Take away the last preview, but no copy of one that the user has kept."""
        layer = None if self._preview is None else self._preview()
        self._preview = None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def checkable(self) -> Image | None:
        """Return the image that the newest result was made from, if both are still there."""
        layer = None if self.made_from is None else self.made_from.layer()
        return layer if self.newest is not None and layer in self._viewer.layers else None

    def forget(self, layer: object) -> None:
        """Keep a layer no longer that was removed from the viewer."""
        if layer is self.newest:
            self.newest = None

    def clear(self) -> None:
        """Keep nothing any longer."""
        self.newest = self.made_from = self._preview = None

    def _add_on_top(self, layer: Image, original: Image) -> None:
        """Put a layer above all images; labels and marks stay above it."""
        self._compare_bar.stop()
        layers = self._viewer.layers
        layers.insert(above_images(layers), layer)
        layers.selection.active = layer
        self._compare_bar.set_layers(original if original in layers else None, layer)
