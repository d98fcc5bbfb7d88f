"""Where new layers go among those of the viewer; knows no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Layer


def above_images(layers: LayerList, also: Iterable[Layer] = ()) -> int:
    """Return the place above all images, so that no image hides what is put there.

    Labels, shapes and points that lie higher stay above it.

    Parameters
    ----------
    layers : napari.components.LayerList
        Of the viewer, the lowest first.
    also : iterable of napari.layers.Layer
        Other layers that it is to lie above.
    """
    from napari.layers import Image

    others = tuple(also)
    below = (at for at, layer in enumerate(layers) if isinstance(layer, Image) or layer in others)
    return 1 + max(below, default=len(layers) - 1)
