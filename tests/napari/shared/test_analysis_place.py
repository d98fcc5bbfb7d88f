"""Maps and points lie exactly where they belong in the original layer."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from dgno_core.errors import DGNOError
from napari_dgno.inspect.box import box_layer, drawing_layer, drawn_box
from napari_dgno.inspect.faces import face_layer, grid_layer
from napari_dgno.shared.analysis_overlay import Overlay, analysed_image, legend_of, overlay_layer
from napari_dgno.shared.analysis_place import Place
from napari_dgno.shared.layers import ViewRegion, layer_source
from support.fake_analyses import faces


def place(layer: Image, axes: str | None = None, position: tuple[int, ...] = ()) -> Place:
    source = layer_source(layer, axes)
    sides = [source.shape[source.axes.index(letter)] for letter in "YX"]
    return Place(layer, source, ViewRegion(position, slice(0, sides[0]), slice(0, sides[1]), True))


def turned_stack() -> Image:
    return Image(
        np.zeros((4, 40, 60), np.uint16), name="cells", scale=(2, 0.5, 0.25),
        translate=(1, 2, 3), rotate=(0, 0, 30), shear=(0.1, 0.2, 0.3),
        affine=np.diag([1.0, 1.5, 1.0, 1.0]), units=("µm",) * 3, axis_labels=("z", "y", "x"),
    )  # fmt: skip


def overlay(values: np.ndarray, **changes: object) -> Overlay:
    fields = {"limits": (0.0, 1.0), "meaning": "Bright is much.", **changes}
    return Overlay("key", "flux part", values, **fields)  # type: ignore[arg-type]


def test_a_map_at_half_size_lies_on_the_pixels_that_it_was_made_from() -> None:
    original = turned_stack()
    made = overlay(np.zeros((20, 30)), scale=(2, 2), translate=(0.5, 0.5))
    layer = overlay_layer(made, place(original, position=(2,)))
    assert layer.data.shape == (1, 20, 30)
    assert layer.name == "Flux part · cells"
    assert layer.units == original.units
    assert layer.axis_labels == ("z", "y", "x")
    for y, x in ((0, 0), (7, 3), (19, 29)):
        on_image = original.data_to_world((2, 2 * y + 0.5, 2 * x + 0.5))
        np.testing.assert_allclose(layer.data_to_world((0, y, x)), on_image, atol=1e-9)


def test_a_map_of_a_colour_image_is_two_dimensional() -> None:
    original = Image(np.zeros((40, 60, 3), np.uint8), rgb=True, scale=(3, 3))
    layer = overlay_layer(overlay(np.zeros((40, 60))), place(original))
    assert layer.data.shape == (40, 60)
    np.testing.assert_allclose(layer.scale, (3, 3))


def test_a_map_of_an_image_whose_columns_come_first_is_turned() -> None:
    original = Image(np.zeros((60, 40), np.uint8))
    values = np.arange(6.0).reshape(2, 3)
    layer = overlay_layer(overlay(values, scale=(20, 20)), place(original, "XY"))
    np.testing.assert_array_equal(layer.data, values.T)


def test_colours_fade_towards_zero_only() -> None:
    plain, signed = (
        overlay_layer(overlay(np.zeros((8, 8)), limits=limits), place(Image(np.zeros((8, 8)))))
        for limits in ((0.0, 1.0), (-1.0, 1.0))
    )
    alpha = np.array(plain.colormap.colors)[:, 3]
    assert alpha[0] == 0
    assert (np.diff(alpha) >= 0).all()
    around = np.array(signed.colormap.colors)[:, 3]
    assert around[[0, -1]].min() > 0.8
    assert around[127:129].max() < 0.05


def test_a_constant_map_still_has_a_range() -> None:
    layer = overlay_layer(
        overlay(np.zeros((8, 8)), limits=(0.0, 0.0)), place(Image(np.zeros((8, 8))))
    )
    assert layer.contrast_limits[1] > layer.contrast_limits[0]


def test_layers_of_looks_are_known_by_their_image() -> None:
    original = Image(np.zeros((8, 8)), name="cells")
    assert analysed_image(original) is None
    made = overlay(np.zeros((8, 8)))
    assert analysed_image(overlay_layer(made, place(original))) == "cells"
    assert legend_of(made).meaning == "Bright is much."


def test_faces_lie_between_pixels_and_are_coloured_by_what_crosses_them() -> None:
    original = turned_stack()
    layer, legend = face_layer(
        faces(), "flux", "neumann", place(original, position=(1,)), "faces: flux"
    )
    start, direction = layer.data[0]
    np.testing.assert_allclose(layer.data_to_world(start), original.data_to_world((1, 15.5, -0.5)))
    np.testing.assert_allclose(direction, (0, 0, 16))
    # the border face, 9, would hide the others: the scale is that of the inner one
    assert legend.limits == (0.0, 2.0)
    assert legend.unit == faces().unit
    low = np.asarray(layer.edge_color)[0]
    assert not np.allclose(
        low, grid_layer(faces(), place(original, position=(1,)), "grid").edge_color[0]
    )


def test_the_rectangle_is_read_in_whole_pixels_of_the_image() -> None:
    viewer = ViewerModel()
    original = viewer.add_layer(turned_stack())
    where = place(original, position=(2,))
    shapes = viewer.add_layer(box_layer(where))
    assert drawing_layer(viewer, original) is shapes
    box = [(2, y, x) for y, x in ((4.5, 9.5), (4.5, 25.5), (20.5, 25.5), (20.5, 9.5))]
    shapes.add_rectangles(np.array(box))
    assert drawn_box(viewer, where) == (5, 10, 16, 16)
    other = np.array(box) - (2, 0, 0)
    shapes.add_rectangles(np.add(other, (0, 3, 0)))  # drawn later, on another plane
    shapes.selected_data = set()
    assert drawn_box(viewer, where) == (5, 10, 16, 16)
    assert drawn_box(viewer, place(original, position=(0,))) == (8, 10, 16, 16)


def test_the_selected_rectangle_counts_and_what_sticks_out_is_cut_off() -> None:
    viewer = ViewerModel()
    original = viewer.add_image(np.zeros((40, 60)), name="cells", scale=(2, 2))
    shapes = viewer.add_shapes(scale=(2, 2))
    for y, x in ((-10.5, -3.5), (9.5, 9.5)):
        shapes.add_rectangles(np.array([(y, x), (y + 20, x + 20)]))
    assert drawn_box(viewer, place(original)) == (10, 10, 20, 20)
    shapes.selected_data = {0}
    assert drawn_box(viewer, place(original)) == (0, 0, 10, 17)


def test_no_rectangle_and_one_outside_are_said_in_a_sentence() -> None:
    viewer = ViewerModel()
    original = viewer.add_image(np.zeros((40, 60)), name="cells")
    with pytest.raises(DGNOError, match="no rectangle on this plane of 'cells'"):
        drawn_box(viewer, place(original))
    viewer.add_shapes(np.array([(100, 100), (120, 120)]), shape_type="rectangle")
    with pytest.raises(DGNOError, match="outside of 'cells'"):
        drawn_box(viewer, place(original))
