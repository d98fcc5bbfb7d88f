from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dgno_core.errors import DGNOError
from dgno_core.inference import Restorer, restore
from dgno_core.io import as_source


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_region_looks_as_it_will_in_the_whole(
    data: st.DataObject, stack: np.ndarray, fake: Callable[..., Any]
) -> None:
    z = data.draw(st.integers(0, 2))
    spans = []
    for size in stack.shape[1:]:
        start = data.draw(st.integers(0, size - 1))
        spans.append(slice(start, data.draw(st.integers(start + 1, size))))
    whole = restore(stack, fake())[z, spans[0], spans[1]]
    region = Restorer(fake()).region(stack, plane_index=(z,), yx_slices=tuple(spans))
    assert (region.shape, region.dtype) == (whole.shape, whole.dtype)
    assert np.abs(region.astype(int) - whole.astype(int)).max() <= 1


def test_windows_lie_on_the_grid_and_only_around_the_region(
    stack: np.ndarray, fake: Callable[..., Any]
) -> None:
    model = fake(tile=512)
    Restorer(model).region(stack, plane_index=(0,), yx_slices=(slice(70, 80), slice(50, 60)))
    assert model.shapes == [(64, 64)]


def test_measured_ranges_are_those_of_the_stack(
    stack: np.ndarray, fake: Callable[..., Any]
) -> None:
    reads = 0

    class Watched:
        shape, dtype = stack.shape, stack.dtype

        def __getitem__(self, index: Any) -> np.ndarray:
            nonlocal reads
            reads += 1
            return stack[index]

    source = as_source(Watched(), "ZYX")
    ranges = Restorer(fake()).ranges(source)
    assert reads == 3
    region = Restorer(fake()).region(source, plane_index=(1,), ranges=ranges)
    assert reads == 4
    np.testing.assert_array_equal(region, Restorer(fake()).region(stack, plane_index=(1,)))


@pytest.mark.parametrize(("axes", "plane"), [("YXS", ()), ("ZYXS", (1,)), ("SYX", ())])
def test_colour_stays_where_it_was(
    fake: Callable[..., Any], axes: str, plane: tuple[int, ...]
) -> None:
    sizes = {"Z": 2, "Y": 50, "X": 60, "S": 3}
    image = np.random.default_rng(0).integers(0, 200, [sizes[a] for a in axes]).astype(np.uint8)
    source = as_source(image, axes)
    region = Restorer(fake(3)).region(source, (slice(0, 20), slice(10, 50)), plane)
    whole = restore(source, fake(3))
    cut = {"Z": 1, "Y": slice(0, 20), "X": slice(10, 50), "S": slice(None)}
    expected = whole[tuple(cut[a] for a in axes)]
    assert region.shape == expected.shape
    assert np.abs(region.astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize(("axes", "plane"), [("YXC", (1,)), ("ZYXC", (1, 2))])
def test_channels_that_the_model_takes_together_need_no_place(
    fake: Callable[..., Any], axes: str, plane: tuple[int, ...]
) -> None:
    """A viewer counts planes by the image alone; the model may take three of them at once."""
    shape = [{"Z": 2, "Y": 40, "X": 40, "C": 3}[letter] for letter in axes]
    image = np.random.default_rng(0).integers(0, 900, shape).astype(np.uint16)
    whole = restore(image, fake(3), axes=axes)
    source = as_source(image, axes)
    for place in (plane, plane[:-1]):
        region = Restorer(fake(3)).region(source, plane_index=place)
        np.testing.assert_array_equal(region, whole[plane[:-1]])
    with pytest.raises(DGNOError, match=r"has no plane"):
        Restorer(fake(3)).region(source, plane_index=(*plane[:-1], 3))
    assert Restorer(fake()).region(source, plane_index=plane).shape == (40, 40)


def test_memory_that_runs_out_lowers_the_tile(stack: np.ndarray, fake: Callable[..., Any]) -> None:
    region = Restorer(fake(tile=512, limit=64 * 64)).region(stack, plane_index=(0,))
    expected = restore(stack, fake(), tile=64)[0]
    assert np.abs(region.astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("plane", [(), (3,), (-1,), (0, 0)])
def test_planes_that_are_not_there(
    stack: np.ndarray, fake: Callable[..., Any], plane: tuple[int, ...]
) -> None:
    with pytest.raises(DGNOError, match="has no plane"):
        Restorer(fake()).region(stack, plane_index=plane)


@pytest.mark.parametrize("rows", [slice(200, 220), slice(20, 20), slice(0, 50, 2)])
def test_regions_that_are_not_there(
    stack: np.ndarray, fake: Callable[..., Any], rows: slice
) -> None:
    with pytest.raises(DGNOError, match="empty or outside"):
        Restorer(fake()).region(stack, plane_index=(0,), yx_slices=(rows, slice(None)))
