"""Faces between elements as layers of lines on the image; knows no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dgno_core.interpretation.operator_words import frame_note
from napari_dgno.shared.analysis_overlay import Legend, colour_map, layer_name, mark

if TYPE_CHECKING:
    from napari.layers import Vectors

    from dgno_core.interpretation.faces import Faces
    from napari_dgno.shared.analysis_place import Place

MEANING = {
    "flux": "How much the elements on the two sides receive through their common face. Dark: next "
    "to nothing; bright: much.",
    "jump": "How strongly the elements on the two sides disagree at their common face. Dark: they "
    "agree; bright: they differ.",
}
#: Percent of the faces within the limits: a few large ones would hide the rest.
SHOWN = 99.0
COLOURS = "viridis"
GRID = "#9aa0a6"


def face_layer(
    faces: Faces, kind: str, boundary: str, place: Place, title: str
) -> tuple[Vectors, Legend]:
    """Make the layer of the faces, each a line coloured by its flux or jump.

    The limits are those of the faces that have two sides; the legend says what the others are.
    """
    values = np.asarray(getattr(faces, kind), dtype=float)
    known = values[np.isfinite(values) & ~np.asarray(faces.is_boundary)]
    high = float(np.percentile(known, SHOWN)) if known.size else 0.0
    limits = (0.0, high or 1.0)
    layer = _lines(
        faces,
        place,
        title,
        width=0.15,
        features={kind: np.nan_to_num(values)},
        edge_color=kind,
        edge_colormap=colour_map(COLOURS, fade=None),
        edge_contrast_limits=limits,
        opacity=0.9,
    )
    colours = colour_map(COLOURS, fade=None).map(np.linspace(0, 1, 33))
    title = title[:1].upper() + title[1:]
    meaning = f"{MEANING[kind]} {frame_note(boundary)}"
    return layer, Legend(title, meaning, faces.unit, limits, colours)


def grid_layer(faces: Faces, place: Place, title: str) -> Vectors:
    """Make the layer of the borders of the elements."""
    return _lines(faces, place, title, width=0.06, edge_color=GRID, opacity=0.6)


def _lines(faces: Faces, place: Place, title: str, width: float, **look: Any) -> Vectors:
    """Lines of a width given as a share of an element's side."""
    from napari.layers import Vectors

    vectors = faces.vectors
    side = float(np.median(np.linalg.norm(vectors[:, 1], axis=1))) if len(vectors) else 1.0
    lines = np.stack([place.points(vectors[:, 0]), place.directions(vectors[:, 1])], axis=1)
    return Vectors(
        lines,
        ndim=place.layer.ndim,
        name=layer_name(title, place),
        vector_style="line",
        edge_width=max(width * side, 0.5),
        blending="translucent",
        metadata=mark("faces", place),
        **place.keywords(),
        **look,
    )
