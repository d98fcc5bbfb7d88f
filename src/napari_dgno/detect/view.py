"""Showing one object in the view, and agreement with the truth in words; knows no Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_dgno.shared.analysis_overlay import BESIDE, layer_name, mark

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer

    from dgno_core.detection import DetectionFound
    from dgno_core.detection.objects import FoundObject
    from napari_dgno.shared.analysis_place import Place

#: An object fills at least this share of the view once one has gone to it.
SHARE = 0.1
#: Smaller objects (side in pixels) are not enlarged any further.
SMALLEST = 12
#: Of the frame: pixels between it and the object, its line as a share of its side, its colour.
AIR, LINE, FRAME = 2.0, 0.04, "#ff4fd8"
IOUS = (0.5, 0.6, 0.7, 0.8, 0.9)


def go_to(viewer: ViewerModel, number: int, item: FoundObject, place: Place, layer: Labels) -> None:
    """Move the view to an object, closer if it would be tiny, and put a frame around it.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        The viewer.
    number : int
        Of the object, in the outlines.
    item : FoundObject
        The object.
    place : Place
        Where was detected; the plane, if it was a single one.
    layer : napari.layers.Labels
        The outlines; the object is selected in them.
    """
    data = place.point(item.y, item.x)
    outer = [i for i in range(layer.ndim) if i not in place.yx]
    sizes = [layer.data.shape[i] for i in outer]
    if math.prod(sizes) > 1:  # a stack: the plane's number is its place among all
        # The planes are in the order of the axes but rows and columns.
        data[outer] = np.unravel_index(item.plane, sizes)
    world = np.asarray(place.layer.data_to_world(data))
    lead = viewer.dims.ndim - place.layer.ndim
    for axis in range(place.layer.ndim):
        if axis + lead not in viewer.dims.displayed:
            viewer.dims.set_point(axis + lead, world[axis])
    shown = [axis - lead for axis in viewer.dims.displayed]
    centre = [world[axis] if axis >= 0 else 0.0 for axis in shown]
    camera = viewer.scene.camera
    camera.center = tuple([0.0] * (3 - len(centre)) + centre)
    area = item.area_before if math.isnan(item.area_after) else item.area_after
    pixel = float(np.mean(np.abs(np.asarray(place.layer.scale)[list(place.yx)])))
    side = max(math.sqrt(area), SMALLEST) * pixel
    needed = SHARE * min(viewer.canvas.size) / max(side, 1e-9)
    camera.zoom = max(camera.zoom, needed)
    layer.selected_label = number
    _frame(viewer, _corners(layer, number, item, place), place, layer)


def _corners(layer: Labels, number: int, item: FoundObject, place: Place) -> np.ndarray:
    """Corners ``(4, ndim)`` of a rectangle that leaves some air around an object."""
    outer = [i for i in range(layer.ndim) if i not in place.yx]
    sizes = [layer.data.shape[i] for i in outer]
    position = dict(zip(outer, np.unravel_index(item.plane, sizes), strict=True)) if outer else {}
    plane = layer.data[tuple(position.get(i, slice(None)) for i in range(layer.ndim))]
    plane = plane if place.yx[0] < place.yx[1] else plane.T
    rows, columns = np.nonzero(plane == number)
    if not len(rows):  # it lies beneath another one
        rows, columns = np.array([round(item.y)]), np.array([round(item.x)])
    low = np.array([rows.min(), columns.min()]) - AIR - 0.5
    high = np.array([rows.max(), columns.max()]) + AIR + 0.5
    corners = np.zeros((4, layer.ndim))
    for axis, index in position.items():
        corners[:, axis] = index
    corners[:, place.yx[0]] = [low[0], low[0], high[0], high[0]]
    corners[:, place.yx[1]] = [low[1], high[1], high[1], low[1]]
    return corners


def _frame(viewer: ViewerModel, corners: np.ndarray, place: Place, like: Layer) -> None:
    """Draw a frame that the next detection takes away; the selected layer stays selected."""
    from napari.layers import Shapes

    name = layer_name("chosen object", place)
    side = float(np.ptp(corners, axis=0).max())
    keys = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
    frame = Shapes(
        [corners],
        shape_type="rectangle",
        ndim=like.ndim,
        name=name,
        edge_color=FRAME,
        edge_width=max(LINE * side, 0.5),
        face_color="transparent",
        metadata=mark(BESIDE, place),
        **{key: getattr(like, key) for key in keys},
    )
    active = viewer.layers.selection.active
    if name in viewer.layers:
        viewer.layers.remove(name)
    viewer.layers.append(frame)
    viewer.layers.selection.active = active


def agreement_table(found: DetectionFound) -> str:
    """Write how well the objects agree with the truth, as an HTML table; empty without one."""
    if not found.truth_before:
        return ""
    from dgno_core.metrics import average_precision

    sides = [("before", average_precision(found.truth_before))]
    if found.truth_after:
        sides.append(("after", average_precision(found.truth_after)))
    thresholds = [round(float(value), 2) for value in found.truth_before[0].thresholds]
    columns = [index for index, value in enumerate(thresholds) if value in IOUS]
    cell = "<td align='right' style='padding-right: 8px'>"
    head = "".join(f"{cell}{thresholds[index]:g}</td>" for index in columns)
    rows = "".join(
        f"<tr><td>{side}&nbsp;</td>"
        + "".join(f"{cell}<b>{values[index]:.2f}</b></td>" for index in columns)
        + "</tr>"
        for side, values in sides
    )
    return (
        "Agreement with the truth (average precision: of the objects found, missed and wrong, the "
        f"share that is right), from this overlap on:<table><tr><td></td>{head}</tr>{rows}</table>"
    )
