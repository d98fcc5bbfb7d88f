"""What a detection found, as layers on the image; knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dgno.detect.words import KINDS, STATUS_MEANING
from napari_dgno.shared.analysis_overlay import Legend, layer_name, mark

if TYPE_CHECKING:
    from napari.layers import Labels

    from dgno_core.detection.objects import FoundObject
    from napari_dgno.shared.analysis_place import Place

#: Of objects where nothing is compared with.
ALONE = "#56b4e9"
OUTLINE = 2


def full_array(values: np.ndarray, axes: str, place: Place) -> np.ndarray:
    """Give labels with some axes all dimensions of the layer, of size 1 where they had none."""
    target = place.source.axes[: place.layer.ndim]
    kept = [letter for letter in target if letter in axes]
    ordered = np.moveaxis(values, [axes.index(letter) for letter in kept], range(len(kept)))
    missing = [index for index, letter in enumerate(target) if letter not in axes]
    return np.expand_dims(ordered, missing)


def placement(axes: str, place: Place) -> dict[str, Any]:
    """Placement of such labels: along the axes that they lack they lie on the plane."""
    offset = place.point()
    for index, letter in enumerate(place.source.axes[: place.layer.ndim]):
        if letter in axes:
            offset[index] = 0
    return place.shifted_keywords(offset)


def objects_layer(labels: np.ndarray, axes: str, place: Place, title: str) -> Labels:
    """Make the Labels layer of one image's objects; hidden, the outlines say more at first."""
    from napari.layers import Labels

    return Labels(
        full_array(labels, axes, place),
        name=layer_name(title, place),
        opacity=0.5,
        visible=False,
        metadata=mark("objects", place),
        **placement(axes, place),
    )


def status_layer(
    objects: Sequence[FoundObject], painted: np.ndarray, axes: str, place: Place, title: str
) -> tuple[Labels, Legend]:
    """Make the layer of outlines, coloured by what became of each object."""
    from napari.layers import Labels
    from napari.utils.colormaps import DirectLabelColormap

    from dgno_core.detection.status import STATUS_COLOURS

    colours: dict[str, str] = {**STATUS_COLOURS, "found": ALONE}
    table: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    table |= {n: colours[item.status] for n, item in enumerate(objects, start=1)}
    layer = Labels(
        full_array(painted, axes, place),
        name=layer_name(title, place),
        colormap=DirectLabelColormap(color_dict=table),
        opacity=1.0,
        blending="translucent",
        metadata=mark("status", place),
        **placement(axes, place),
    )
    layer.contour = OUTLINE
    return layer, _legend(objects, colours)


def _legend(objects: Sequence[FoundObject], colours: dict[str, str]) -> Legend:
    if all(item.status == "found" for item in objects) and objects:
        kinds = [(ALONE, f"found ({len(objects)})")]
        return Legend("Objects", "Outlines of the objects that were found.", kinds=kinds)
    counts = {status: sum(item.status == status for item in objects) for status in KINDS}
    kinds = [(colours[status], f"{text} ({counts[status]})") for status, text in KINDS.items()]
    return Legend("Matched, lost, gained", STATUS_MEANING, kinds=kinds)
