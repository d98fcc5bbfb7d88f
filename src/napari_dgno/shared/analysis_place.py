"""Between maps and points of a plane and layers that lie exactly on it; knows no Qt.

A map says where it lies in the image: `scale`, pixels of the image per pixel of the map, and
`translate`, the pixel of the image at the centre of the map's first one. What is made here has all
dimensions of the layer, of size 1 outside the plane, so that it disappears when the user moves to
another plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dgno.shared.layers import ViewRegion, linear_matrix

if TYPE_CHECKING:
    from napari.layers import Image

    from dgno_core.io import ImageSource

Pair = tuple[float, float]
#: Pixels between the image and what is laid beside it.
GAP = 16


@dataclass(frozen=True)
class Place:
    """The part of a layer that is looked at.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    source : ImageSource
        The layer as the core reads it.
    region : ViewRegion
        Plane, rows and columns.
    """

    layer: Image
    source: ImageSource
    region: ViewRegion

    def on_plane(self) -> Place:
        """Return the whole plane: for an analysis that does not depend on what is on screen."""
        sides = {letter: self.source.shape[self.source.axes.index(letter)] for letter in "YX"}
        region = ViewRegion(self.region.position, slice(0, sides["Y"]), slice(0, sides["X"]), True)
        return Place(self.layer, self.source, region)

    @property
    def is_whole_plane(self) -> bool:
        """Whether nothing of the plane is left out."""
        whole = self.on_plane().region
        return (self.region.y, self.region.x) == (whole.y, whole.x)

    def beside(self, y: float) -> Pair:
        """Return the row and column of the image at which something to its right begins."""
        return y, float(self.source.shape[self.source.axes.index("X")] + GAP)

    @property
    def yx(self) -> tuple[int, int]:
        """Which dimensions of the layer are rows and columns."""
        return self.source.axes.index("Y"), self.source.axes.index("X")

    def point(self, y: float = 0.0, x: float = 0.0) -> np.ndarray:
        """Coordinates of a pixel of the plane in the layer's data, ``(ndim,)``."""
        outer = zip(self.source.layout().outer, self.region.position, strict=True)
        known = {**dict(outer), "Y": y, "X": x}
        axes = self.source.axes[: self.layer.ndim]
        return np.array([known.get(letter, 0) for letter in axes], dtype=float)

    def points(self, yx: np.ndarray) -> np.ndarray:
        """Coordinates of pixels ``(..., 2)`` in the layer's data, ``(..., ndim)``."""
        yx = np.asarray(yx, dtype=float)
        found = np.broadcast_to(self.point(), (*yx.shape[:-1], self.layer.ndim)).copy()
        found[..., list(self.yx)] = yx
        return found

    def directions(self, yx: np.ndarray) -> np.ndarray:
        """Steps in pixels ``(..., 2)`` as steps in the layer's data, ``(..., ndim)``."""
        steps = np.zeros((*np.shape(yx)[:-1], self.layer.ndim))
        steps[..., list(self.yx)] = yx
        return steps

    def expanded(self, values: np.ndarray) -> np.ndarray:
        """Give a map ``(Y, X)`` or ``(Y, X, 4)`` the dimensions of the layer."""
        y, x = self.yx
        ordered = values if y < x else np.swapaxes(values, 0, 1)
        missing = [axis for axis in range(self.layer.ndim) if axis not in (y, x)]
        return np.expand_dims(ordered, missing)

    def map_keywords(self, scale: Pair = (1, 1), translate: Pair = (0, 0)) -> dict[str, Any]:
        """Placement, as keywords for the layer of an expanded map."""
        step = np.ones(self.layer.ndim)
        step[list(self.yx)] = scale
        placed = self.shifted_keywords(self.point(*translate))
        return {**placed, "scale": np.asarray(self.layer.scale) * step}

    def shifted_keywords(self, offset: np.ndarray) -> dict[str, Any]:
        """Placement of a layer whose first pixel lies so many pixels along each dimension."""
        moved = np.asarray(self.layer.translate) + linear_matrix(self.layer) @ offset
        return {**self.keywords(), "translate": moved}

    def keywords(self) -> dict[str, Any]:
        """Placement of the layer itself, for layers of points in its own pixels."""
        keys = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
        return {key: getattr(self.layer, key) for key in keys}

    def to_data(self, world: np.ndarray) -> np.ndarray:
        """Coordinates in the layer's data ``(N, ndim)`` of world points ``(N, any dimensions)``.

        Points that have fewer dimensions than the layer lie in its last ones, on the current
        plane; of more, the last are used.
        """
        ndim = self.layer.ndim
        full = np.tile(np.asarray(self.layer.data_to_world(self.point())), (len(world), 1))
        shared = min(ndim, world.shape[1])
        full[:, ndim - shared :] = world[:, world.shape[1] - shared :]
        return np.array([self.layer.world_to_data(point) for point in full])
