"""Between napari layers and `dgno_core` images; knows no Qt.

A layer's axes are read from its labels where these speak for themselves and guessed otherwise.
Whatever comes out of a restoration is put where the original lies: same scale, translate, rotate,
shear, affine, units, axis labels and look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dgno_core.errors import DGNOError
from dgno_core.io.axes import check_axes, guess_axes
from dgno_core.io.source import ImageSource
from dgno_core.io.units import unit_name

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image

#: What people write on an axis, and the letter that the core knows it by.
_LETTERS: Mapping[str, str] = {
    "t": "T", "time": "T", "frame": "T",
    "p": "P", "pos": "P", "position": "P", "scene": "P", "s": "P", "m": "P",
    "c": "C", "ch": "C", "channel": "C",
    "z": "Z", "slice": "Z", "plane": "Z", "focus": "Z", "depth": "Z",
    "y": "Y", "row": "Y",
    "x": "X", "column": "X", "col": "X",
}  # fmt: skip
#: The view is restored as it is up to this side; of a larger one, the middle is.
PREVIEW_SIDE = 512
#: Less than this on screen (or a window never drawn) is no view to restore: the middle is taken.
_SMALLEST_VIEW = 32
#: Marks the layers that this plugin made, in their metadata.
RESULT_KEY = "dgno"
PREVIEW_KEY = "dgno_preview"
#: Marks what a comparison lays over the image while it lasts.
COMPARE_KEY = "dgno_compare"


@dataclass(frozen=True)
class ViewRegion:
    """The part of one plane that a preview restores.

    Parameters
    ----------
    position : tuple of int
        Which plane: the index along every axis of ``source.layout().outer``.
    y, x : slice
        Rows and columns, in pixels of the full-resolution image.
    whole_view : bool
        False if the view is larger, so that only its middle is taken.
    """

    position: tuple[int, ...]
    y: slice
    x: slice
    whole_view: bool


def layer_data(layer: Image) -> Any:
    """Full-resolution data of an image layer, as lazy as the layer holds it.

    A multiscale layer gives its level 0.
    """
    return layer.data[0] if layer.multiscale else layer.data


def layer_axes(layer: Image) -> str:
    """Axes string of a layer, one letter of ``TPCZYX`` a dimension and ``S`` for colour.

    Labels that name every axis once decide, Y and X among them; otherwise the axes are guessed
    from the number of dimensions, as for a bare array. An empty string means that even that is
    impossible.
    """
    letters = [_LETTERS.get(label.strip().lower(), "") for label in layer.axis_labels]
    if all(letters) and len(set(letters)) == layer.ndim and {"Y", "X"} <= set(letters):
        axes = "".join(letters)
    else:
        try:
            axes = guess_axes((1,) * layer.ndim, np.uint16)
        except DGNOError:
            return ""
    return axes + ("S" if layer.rgb else "")


def layer_path(layer: Image) -> Path | None:
    """File or folder that the layer was opened from, if it exists here."""
    if not layer.source.path:
        return None
    path = Path(layer.source.path)
    return path if path.exists() else None


def layer_source(layer: Image, axes: str | None = None) -> ImageSource:
    """Describe a layer as the image that `dgno_core` restores; no pixel is read or copied.

    Parameters
    ----------
    layer : napari.layers.Image
        Grey or RGB(A), in memory, dask or zarr; of a multiscale layer, level 0.
    axes : str, optional
        What the dimensions mean; guessed with `layer_axes` if not given.

    Raises
    ------
    DGNOError
        If the axes do not fit the layer.
    """
    data = layer_data(layer)
    axes = layer_axes(layer) if axes is None else axes.strip()
    axes = check_axes(axes, data.shape, f"The layer {layer.name!r}")
    sizes: dict[str, float] = {}
    units: dict[str, str] = {}
    for letter, size, unit in zip(axes, layer.scale, layer.units, strict=False):
        known = unit_name(str(unit))  # None for "pixel": a bare scale says nothing physical
        if known is not None:
            sizes[letter], units[letter] = float(size), known
    return ImageSource(
        data=data,
        axes=axes,
        pixel_size=sizes,
        units=units,
        name=layer.name,
        path=layer_path(layer),
    )


def linear_matrix(layer: Image) -> np.ndarray:
    """Matrix from data steps to world steps, before the layer's own `affine`."""
    from napari.utils.transforms import Affine

    return Affine(
        scale=layer.scale, rotate=layer.rotate, shear=layer.shear, ndim=layer.ndim
    ).linear_matrix


def look_of(layer: Image) -> dict[str, Any]:
    """Placement and look of a layer, as keywords for a new one."""
    keys = [
        "scale", "translate", "rotate", "shear", "affine", "units", "axis_labels", "rgb",
        "opacity", "blending", "interpolation2d", "interpolation3d", "projection_mode",
        "rendering", "depiction", "gamma",
    ]  # fmt: skip
    if not layer.rgb:
        keys += ["colormap", "contrast_limits"]
    return {key: getattr(layer, key) for key in keys}


def output_layer(data: Any, *, like: Image, provenance: Mapping[str, Any] | None = None) -> Image:
    """Make the layer of a restored image, placed and coloured like the original.

    Parameters
    ----------
    data : array
        Restored image; same shape as the original (3 colours where that had alpha as well).
    like : napari.layers.Image
        The original; it is not changed.
    provenance : mapping, optional
        Goes into ``metadata["dgno"]``.
    """
    from napari.layers import Image

    return Image(
        data,
        name=f"{like.name} restored{_by((provenance or {}).get('model'))}",
        multiscale=False,
        metadata={RESULT_KEY: dict(provenance or {})},
        **look_of(like),
    )


def result_warnings(layer: Image) -> tuple[str, ...]:
    """Return what was said against a result when it was made; nothing of any other layer."""
    record = layer.metadata.get(RESULT_KEY)
    told = record.get("warnings") if isinstance(record, Mapping) else None
    return tuple(map(str, told)) if isinstance(told, list | tuple) else ()


def _by(model: object) -> str:
    """Say in brackets which model it was, if that is known; of a file, its name."""
    name = str(model or "")
    short = Path(name).stem if name.endswith(".safetensors") else name
    return f" ({short})" if short else ""


def preview_layer(
    data: np.ndarray, *, like: Image, source: ImageSource, region: ViewRegion, model: str = ""
) -> Image:
    """Make the layer of a restored view, lying exactly on that part of the original.

    It has all dimensions of the original, of size 1 outside the plane, so that it disappears when
    the user moves to another plane.

    Parameters
    ----------
    data : numpy.ndarray
        Restored part of a plane, its axes in the order in which the original has them.
    like : napari.layers.Image
        The original; it is not changed.
    source : ImageSource
        The original as it was restored.
    region : ViewRegion
        Where `data` was cut out.
    model : str
        Name or file of the model.
    """
    from napari.layers import Image

    layout = source.layout(colour_model=data.ndim == 3)
    position = zip(source.layout().outer, region.position, strict=True)
    # A colour model takes a last C of 3 into the plane, whatever the type of the pixels.
    start = {letter: at for letter, at in position if letter in layout.outer}
    start |= {"Y": region.y.start, "X": region.x.start}
    offset = np.array([start.get(letter, 0) for letter in source.axes[: like.ndim]], dtype=float)
    missing = [axis for axis, letter in enumerate(source.axes) if letter not in layout.inner]
    look = look_of(like)
    look["translate"] = np.asarray(like.translate) + linear_matrix(like) @ offset
    layer = Image(
        np.expand_dims(data, missing),
        name=f"{like.name} preview{_by(model)}",
        multiscale=False,
        metadata={PREVIEW_KEY: True},
        **look,
    )
    plane = (slice(0, source.layout().height), slice(0, source.layout().width))
    layer.bounding_box.points = False
    layer.bounding_box.visible = (region.y, region.x) != plane  # where it lies in the image
    return layer


def visible_region(
    layer: Image, source: ImageSource, dims: Dims, *, side: int = PREVIEW_SIDE
) -> ViewRegion:
    """Part of the current plane that is on screen, at most `side` pixels wide and high.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer to look at.
    source : ImageSource
        The layer as it is restored; see `layer_source`.
    dims : napari.components.Dims
        The viewer's dims: current position and displayed axes.
    side : int
        Longest side in pixels; of a larger view, the middle is taken.

    Raises
    ------
    DGNOError
        If rows and columns of the layer are not what the viewer shows.
    """
    axes, shape = source.axes, source.shape
    y, x = axes.index("Y"), axes.index("X")
    lead = dims.ndim - layer.ndim  # a layer with fewer axes uses the viewer's last ones
    flat = dims.ndisplay == 2
    if flat and {axis - lead for axis in dims.displayed} != {y, x}:
        raise DGNOError(
            f"The preview needs rows (Y) and columns (X) of {layer.name!r} on screen: change the "
            "order of the axes back with the viewer's buttons at the bottom left."
        )
    corners = np.array(layer.corner_pixels, dtype=float)
    if layer.multiscale:
        corners = corners * np.asarray(layer.downsample_factors[layer.data_level])[: layer.ndim]
    rows, all_rows = _middle(corners[:, y], shape[y], side, use_view=flat)
    columns, all_columns = _middle(corners[:, x], shape[x], side, use_view=flat)
    point = layer.world_to_data(np.asarray(dims.point)[lead:])
    position = tuple(
        int(np.clip(np.round(point[axis]), 0, shape[axis] - 1)) if axis < layer.ndim else 0
        for axis in (axes.index(letter) for letter in source.layout().outer)
    )
    return ViewRegion(position, rows, columns, all_rows and all_columns)


def _middle(corners: np.ndarray, size: int, side: int, *, use_view: bool) -> tuple[slice, bool]:
    """Cut the visible interval to `side` pixels around its middle; say if that was needed."""
    start, stop = int(np.floor(corners[0])), int(np.ceil(corners[1])) + 1
    start, stop = max(start, 0), min(stop, size)
    if not use_view or stop - start < min(_SMALLEST_VIEW, size):
        start, stop = 0, size
    if stop - start <= side:
        return slice(start, stop), True
    start = (start + stop - side) // 2
    return slice(start, start + side), False
