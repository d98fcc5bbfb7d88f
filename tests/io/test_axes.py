from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgno_core.errors import DGNOError
from dgno_core.io.axes import AXES, check_axes, guess_axes, is_colour, plane_layout


@st.composite
def images(draw: st.DrawFn) -> tuple[str, np.ndarray]:
    """Draw axes in any order and an array that has another number in each pixel."""
    others = draw(st.lists(st.sampled_from("TPCZS"), unique=True, max_size=4))
    axes = "".join(draw(st.permutations([*others, "Y", "X"])))
    shape = [draw(st.integers(1, 5)) for _ in axes]
    dtype = draw(st.sampled_from(["uint8", "uint16", "float32"]))
    return axes, np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@given(images(), st.booleans())
def test_the_planes_cover_every_pixel_once_and_go_back_where_they_were(
    image: tuple[str, np.ndarray], colour_model: bool
) -> None:
    axes, data = image
    layout = plane_layout(axes, data.shape, data.dtype, colour_model=colour_model)
    counts = np.zeros(data.shape, int)
    copy = np.zeros_like(data)
    for position in layout.positions():
        index = layout.index(position)
        samples = layout.split(data[index])
        assert samples.shape == (layout.colours + layout.alpha, layout.height, layout.width)
        copy[index] = layout.join(samples)
        counts[index] += 1
    np.testing.assert_array_equal(copy, data)
    assert (counts == 1).all()
    assert len(list(layout.positions())) == len(layout)


@given(images())
def test_a_plane_holds_rows_and_columns_in_this_order(image: tuple[str, np.ndarray]) -> None:
    axes, data = image
    layout = plane_layout(axes, data.shape, data.dtype)
    position = tuple(size - 1 for size in layout.outer_shape)
    samples = layout.split(data[layout.index(position)])
    named = dict(zip(layout.outer, position, strict=True))
    for sample in range(samples.shape[0]):
        if layout.inner not in ("YX", "XY"):
            named["S" if "S" in axes else "C"] = sample
        for y, x in ((0, 0), (layout.height - 1, layout.width - 1), (layout.height - 1, 0)):
            full = named | {"Y": y, "X": x}
            assert samples[sample, y, x] == data[tuple(full[letter] for letter in axes)]


@pytest.mark.parametrize(
    ("shape", "dtype", "axes"),
    [
        ((40, 50), "uint16", "YX"),
        ((5, 40, 50), "uint8", "ZYX"),
        ((40, 50, 3), "uint8", "YXS"),
        ((40, 50, 4), "uint8", "YXS"),
        ((40, 50, 3), "uint16", "ZYX"),
        ((5, 40, 50, 3), "uint8", "ZYXS"),
        ((2, 5, 40, 50), "float32", "TZYX"),
        ((2, 2, 5, 40, 50), "uint16", "TCZYX"),
    ],
)
def test_axes_of_bare_arrays(shape: tuple[int, ...], dtype: str, axes: str) -> None:
    assert guess_axes(shape, dtype) == axes


@pytest.mark.parametrize("shape", [(), (40,), (1,) * 8])
def test_axes_that_cannot_be_guessed(shape: tuple[int, ...]) -> None:
    with pytest.raises(DGNOError, match="cannot be guessed"):
        guess_axes(shape, "uint16")


@pytest.mark.parametrize(
    ("axes", "shape", "dtype", "colour"),
    [
        ("YXS", (9, 9, 3), "uint8", True),
        ("YXC", (9, 9, 3), "uint8", True),
        ("ZYXC", (9, 9, 9, 3), "uint8", True),
        ("YXS", (9, 9, 4), "uint8", True),
        ("SYX", (3, 9, 9), "uint8", True),
        ("CYX", (3, 9, 9), "uint8", False),
        ("YXC", (9, 9, 4), "uint8", False),
        ("YXS", (9, 9, 3), "uint16", False),
        ("YXC", (9, 9, 3), "float32", False),
        ("ZYX", (9, 9, 3), "uint8", False),
    ],
)
def test_what_is_colour(axes: str, shape: tuple[int, ...], dtype: str, colour: bool) -> None:
    assert is_colour(axes, shape, dtype) is colour


def test_only_a_colour_model_takes_a_last_channel_axis_of_other_types_into_the_plane() -> None:
    assert plane_layout("YXC", (9, 9, 3), "uint16").inner == "YX"
    assert plane_layout("YXC", (9, 9, 3), "uint16", colour_model=True).inner == "YXC"
    assert plane_layout("YXC", (9, 9, 2), "uint16", colour_model=True).inner == "YX"


def test_opacity_is_no_colour() -> None:
    assert plane_layout("YXS", (9, 9, 4), "uint8").colours == 3
    assert plane_layout("YXS", (9, 9, 2), "uint8").colours == 1
    assert plane_layout("YXS", (9, 9, 5), "uint8").colours == 5


@pytest.mark.parametrize("axes", ["ZYX", "YX Z", "YXX", "YY", "TZ", "YQ", "", "Y"])
def test_axes_that_do_not_fit_a_picture(axes: str) -> None:
    with pytest.raises(DGNOError, match=r"^cells\.tif.*axes"):
        check_axes(axes, (40, 50), "cells.tif")


@given(st.permutations(AXES))
def test_every_order_fits_and_small_letters_do_too(letters: list[str]) -> None:
    axes = "".join(letters)
    assert check_axes(axes.lower(), (1,) * 7) == axes
