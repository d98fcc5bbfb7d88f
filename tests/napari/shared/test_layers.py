"""Layers to images and back, without Qt."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from dgno_core.errors import DGNOError
from napari_dgno.shared.layers import (
    ViewRegion,
    layer_axes,
    layer_source,
    output_layer,
    preview_layer,
    visible_region,
)

PLACED = {
    "scale": (2, 0.5, 0.25), "translate": (1, 2, 3), "rotate": (10, 20, 30),
    "shear": (0.1, 0, 0.2), "affine": np.diag([1, 2, 3, 1]), "units": ("µm", "µm", "µm"),
    "axis_labels": ("z", "y", "x"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "labels", "axes"),
    [
        ((8, 9), None, "YX"),
        ((3, 8, 9), None, "ZYX"),
        ((2, 3, 8, 9), None, "TZYX"),
        ((2, 2, 3, 8, 9), None, "TCZYX"),
        ((3, 8, 9), ("time", "y", "x"), "TYX"),
        ((8, 9, 3), ("Row", "Column", "Channel"), "YXC"),
        ((3, 8, 9), ("z", "z", "x"), "ZYX"),
        ((3, 8, 9), ("depth", "height", "x"), "ZYX"),
    ],
)
def test_axes_come_from_labels_or_are_guessed(shape: tuple, labels: tuple, axes: str) -> None:
    layer = Image(np.zeros(shape), rgb=False, axis_labels=labels)
    assert layer_axes(layer) == axes


def test_colour_layers_end_in_s() -> None:
    assert layer_axes(Image(np.zeros((8, 9, 3), np.uint8), rgb=True)) == "YXS"
    assert layer_axes(Image(np.zeros((5, 8, 9, 4), np.uint8), rgb=True)) == "ZYXS"


def test_source_keeps_lazy_data_and_physical_size() -> None:
    data = da.zeros((4, 32, 32), dtype=np.uint16)
    layer = Image(data, name="cells", scale=(2, 0.5, 0.5), units=("µm", "µm", "nm"))
    source = layer_source(layer)
    assert source.data is layer.data
    assert source.axes == "ZYX"
    assert source.pixel_size == {"Z": 2.0, "Y": 0.5, "X": 0.5}
    assert source.units == {"Z": "micrometer", "Y": "micrometer", "X": "nanometer"}
    assert (source.name, source.path) == ("cells", None)


def test_a_scale_without_units_says_nothing_physical() -> None:
    source = layer_source(Image(np.zeros((32, 32)), scale=(0.5, 0.5)))
    assert source.pixel_size == {}


def test_multiscale_takes_level_0() -> None:
    levels = [np.zeros((3, 64, 64)), np.zeros((3, 32, 32))]
    source = layer_source(Image(levels, multiscale=True))
    assert source.shape == (3, 64, 64)


def test_axes_that_do_not_fit_name_the_layer() -> None:
    with pytest.raises(DGNOError, match=r"'cells'.*3 dimensions"):
        layer_source(Image(np.zeros((3, 32, 32)), name="cells"), "YX")


def test_output_lies_and_looks_like_the_original() -> None:
    original = Image(
        np.random.default_rng(0).random((3, 20, 24)), name="cells", colormap="magenta",
        contrast_limits=(0.1, 0.7), gamma=0.8, blending="additive", **PLACED,
    )  # fmt: skip
    result = output_layer(original.data + 1, like=original, provenance={"model": "m"})
    assert result.name == "cells restored (m)"
    assert result.metadata == {"dgno": {"model": "m"}}
    for corner in np.ndindex(2, 2, 2):
        np.testing.assert_allclose(result.data_to_world(corner), original.data_to_world(corner))
    for key in ("units", "axis_labels", "gamma", "blending", "contrast_limits", "rgb"):
        assert getattr(result, key) == getattr(original, key), key
    assert result.colormap.name == "magenta"
    assert "dgno" not in original.metadata


def test_output_of_a_multiscale_layer_is_placed_by_level_0() -> None:
    levels = [np.zeros((64, 64)), np.zeros((32, 32))]
    original = Image(levels, multiscale=True, scale=(0.5, 0.5), translate=(3, 4))
    result = output_layer(levels[0], like=original)
    assert not result.multiscale
    np.testing.assert_allclose(result.data_to_world((63, 63)), original.data_to_world((63, 63)))


@pytest.mark.parametrize("labels", [("z", "y", "x"), ("x", "z", "y"), ("y", "x", "t")])
def test_preview_lies_on_its_region_whatever_the_axes(labels: tuple) -> None:
    data = np.arange(30 * 32 * 34).reshape(30, 32, 34)
    original = Image(data, **{**PLACED, "axis_labels": labels})
    source = layer_source(original)
    region = ViewRegion((2,), slice(5, 15), slice(7, 20), whole_view=True)
    plane = source.layout().index(region.position)
    inside = {"Y": region.y, "X": region.x}
    block = data[plane][tuple(inside[letter] for letter in source.layout().inner)]
    preview = preview_layer(block, like=original, source=source, region=region)
    assert preview.ndim == 3
    for corner in [(0, 0, 0), np.subtract(preview.data.shape, 1)]:
        inside = original.world_to_data(preview.data_to_world(corner)).round().astype(int)
        assert preview.data[tuple(corner)] == data[tuple(inside)]


def test_preview_of_a_colour_stack() -> None:
    data = np.random.default_rng(0).integers(0, 255, (4, 40, 50, 3)).astype(np.uint8)
    original = Image(data, rgb=True)
    region = ViewRegion((3,), slice(8, 40), slice(0, 32), whole_view=True)
    preview = preview_layer(
        data[3, 8:40, :32], like=original, source=layer_source(original), region=region
    )
    assert preview.rgb
    assert preview.data.shape == (1, 32, 32, 3)
    np.testing.assert_allclose(preview.data_to_world((0, 0, 0)), (3, 8, 0))


def test_preview_of_channels_that_a_colour_model_takes_together() -> None:
    data = np.random.default_rng(0).integers(0, 4000, (40, 50, 3)).astype(np.uint16)
    viewer = ViewerModel()
    original = viewer.add_image(data, rgb=False, axis_labels=("y", "x", "c"))
    viewer.dims.order = (2, 0, 1)
    viewer.dims.set_current_step(2, 1)
    region = seen(original, viewer)
    assert region.position == (1,)  # which planes there are depends on the model
    source = layer_source(original)
    by_colour = preview_layer(data, like=original, source=source, region=region)
    assert by_colour.data.shape == (40, 50, 3)
    np.testing.assert_allclose(by_colour.data_to_world((0, 0, 0)), (0, 0, 0))
    by_grey = preview_layer(data[..., 1], like=original, source=source, region=region)
    assert by_grey.data.shape == (40, 50, 1)
    np.testing.assert_allclose(by_grey.data_to_world((0, 0, 0)), (0, 0, 1))


def seen(layer: Image, viewer: ViewerModel, **options: int) -> ViewRegion:
    return visible_region(layer, layer_source(layer), viewer.dims, **options)


def test_view_is_the_current_plane_within_the_corners() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((5, 200, 300)), scale=(2, 1, 1))
    viewer.dims.set_current_step(0, 3)
    layer.corner_pixels = np.array([[0, 20, 30], [0, 119, 229]])
    region = seen(layer, viewer)
    assert region == ViewRegion((3,), slice(20, 120), slice(30, 230), whole_view=True)


def test_large_views_are_cut_to_their_middle() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((2000, 300)))
    layer.corner_pixels = np.array([[100, 0], [1099, 299]])
    region = seen(layer, viewer, side=512)
    assert region == ViewRegion((), slice(344, 856), slice(0, 300), whole_view=False)


def test_a_window_never_drawn_gives_the_middle() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((1000, 100)))
    region = seen(layer, viewer, side=500)
    assert region == ViewRegion((), slice(250, 750), slice(0, 100), whole_view=False)


def test_a_side_view_cannot_be_previewed() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((5, 200, 300)), name="cells")
    viewer.dims.order = (1, 0, 2)
    with pytest.raises(DGNOError, match="cells"):
        seen(layer, viewer)


def test_a_layer_with_fewer_axes_than_the_viewer() -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros((7, 5, 64, 64)))
    layer = viewer.add_image(np.zeros((5, 64, 64)))
    viewer.dims.set_current_step(1, 2)
    layer.corner_pixels = np.array([[0, 0, 0], [0, 63, 63]])
    assert seen(layer, viewer).position == (2,)


@pytest.mark.parametrize(("stop", "framed"), [(40, True), (64, False)])
def test_the_preview_of_a_part_is_framed(stop: int, framed: bool) -> None:
    original = Image(np.zeros((64, 64)), name="cells")
    region = ViewRegion((), slice(0, 64), slice(0, stop), whole_view=True)
    layer = preview_layer(
        np.zeros((64, stop)), like=original, source=layer_source(original), region=region
    )
    assert layer.bounding_box.visible == framed
