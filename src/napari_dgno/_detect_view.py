"""Going to an object in the view, and agreement with the truth in words; knows no Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from dgno_core.detection import DetectionFound
    from dgno_core.detection.objects import FoundObject
    from napari_dgno._look_place import Place

#: An object fills at least this share of the view once one has gone to it.
SHARE = 0.1
#: Smaller objects (side in pixels) are not enlarged any further.
SMALLEST = 12
IOUS = (0.5, 0.6, 0.7, 0.8, 0.9)


def go_to(viewer: ViewerModel, number: int, item: FoundObject, place: Place, layer: Layer) -> None:
    """Move the view to an object, and closer if it would be tiny.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        The viewer.
    number : int
        Of the object, in the outlines.
    item : FoundObject
        The object.
    place : Place
        Where was looked; the plane of a single-plane look.
    layer : napari.layers.Layer
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


def agreement_table(found: DetectionFound) -> str:
    """Write how well the objects agree with the truth, as an HTML table; empty without one."""
    if not found.truth_before:
        return ""
    from dgno_core.detection import average_precision

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
