"""The rectangle that a user draws on an image, as pixels of it; knows no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dgno_core.errors import DGNOError
from napari_dgno.shared.analysis_overlay import layer_name

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Shapes

    from napari_dgno.shared.analysis_place import Place

#: Marks the layer that was made to draw in.
BOX_KEY = "dgno_box"
EDGE = "#00e5ff"
NO_BOX = (
    "There is no rectangle on this plane of {name!r}: press Draw a rectangle, and drag one around "
    "a detail, 16 to 32 pixels wide."
)


def box_layer(place: Place) -> Shapes:
    """Make an empty layer to draw a rectangle in, lying on the image."""
    from napari.layers import Shapes

    side = min(place.source.shape[place.source.axes.index(letter)] for letter in "YX")
    return Shapes(
        ndim=place.layer.ndim,
        name=layer_name("rectangle", place),
        edge_color=EDGE,
        face_color="transparent",
        edge_width=max(side / 250, 0.5),
        metadata={BOX_KEY: place.layer.name},
        **place.keywords(),
    )


def drawing_layer(viewer: ViewerModel, layer: Image) -> Shapes | None:
    """Return the layer that was made to draw on this image, if it is still there."""
    for shapes in _shapes_layers(viewer):
        if shapes.metadata.get(BOX_KEY) == layer.name:
            return shapes
    return None


def drawn_box(viewer: ViewerModel, place: Place) -> tuple[int, int, int, int]:
    """Return first row, first column, height and width of the rectangle to explain.

    The selected shape on the current plane counts, otherwise the one drawn last; of all Shapes
    layers, the selected one comes first and then the others from the top. What sticks out of the
    image is cut off.

    Raises
    ------
    DGNOError
        If there is none, or it lies outside of the image.
    """
    for shapes in _shapes_layers(viewer):
        order = [*range(len(shapes.data)), *sorted(shapes.selected_data)]
        for index in reversed(order):
            corners = _on_plane(shapes, index, place)
            if corners is not None:
                return _pixels(corners, place)
    raise DGNOError(NO_BOX.format(name=place.layer.name))


def _shapes_layers(viewer: ViewerModel) -> list[Shapes]:
    """All Shapes layers, the selected one first, then from the top."""
    from napari.layers import Shapes

    found = [layer for layer in reversed(viewer.layers) if isinstance(layer, Shapes)]
    active = viewer.layers.selection.active
    found.sort(key=lambda layer: layer is not active)
    return found


def _on_plane(shapes: Shapes, index: int, place: Place) -> np.ndarray | None:
    """Corners ``(N, 2)`` of a shape in pixels of the image; None if it is on another plane."""
    corners = np.array([shapes.data_to_world(point) for point in shapes.data[index]])
    data = place.to_data(corners)
    outer = [axis for axis in range(place.layer.ndim) if axis not in place.yx]
    if not np.allclose(np.rint(data[:, outer]), place.point()[outer]):
        return None
    return data[:, list(place.yx)]


def _pixels(corners: np.ndarray, place: Place) -> tuple[int, int, int, int]:
    """Whole pixels between the corners: their edges lie at halves."""
    sides = [place.source.shape[place.source.axes.index(letter)] for letter in "YX"]
    first = np.clip(np.rint(corners.min(axis=0) + 0.5), 0, sides).astype(int)
    end = np.clip(np.rint(corners.max(axis=0) + 0.5), 0, sides).astype(int)
    height, width = (int(side) for side in end - first)
    if height <= 0 or width <= 0:
        raise DGNOError(
            f"The rectangle lies outside of {place.layer.name!r} or is smaller than a pixel: draw "
            "one on the image."
        )
    return int(first[0]), int(first[1]), height, width
