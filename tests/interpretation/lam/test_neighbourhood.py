from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgno_core.errors import DGNOError
from dgno_core.inference import Restorer
from dgno_core.interpretation.lam import LamSettings, Window, read_neighbourhood
from dgno_core.interpretation.lam.neighbourhood import find_neighbourhood
from support.lam_net import LamNet

SIZES = st.integers(2, 700)


@given(st.data())
def test_a_neighbourhood_is_of_one_size_on_the_grid_and_holds_the_box(data: st.DataObject) -> None:
    shape = (data.draw(st.integers(16, 700)), data.draw(st.integers(16, 700)))
    side = data.draw(st.sampled_from([32, 64, 200, 256]))
    grid = data.draw(st.sampled_from([1, 32, 128]))
    height, width = (data.draw(st.integers(2, min(side, size))) for size in shape)
    y, x = (
        data.draw(st.integers(0, size - length))
        for size, length in zip(shape, (height, width), strict=True)
    )
    around = find_neighbourhood(Window(y, x, height, width), shape, side, grid)
    places = zip((y, x), (height, width), shape, around.read, around.first, strict=True)
    for start, length, size, read, first in places:
        assert read.start % grid == 0
        assert 0 <= read.start <= first < read.start + grid
        assert read.stop - first == min(side, size)
        assert read.stop <= size
        assert first <= start
        assert start + length <= read.stop
    assert around.shown(np.zeros((1, *shape))[:, *around.read]).shape[1:] == (
        min(side, shape[0]),
        min(side, shape[1]),
    )
    # What was read is a view in which the same neighbourhood is found again.
    part = tuple(read.stop - read.start for read in around.read)
    inside = Window(y, x, height, width).moved(-around.read[0].start, -around.read[1].start)
    again = find_neighbourhood(inside, part, side, grid)  # type: ignore[arg-type]
    assert again.margin == around.margin
    assert again.read == (slice(0, part[0]), slice(0, part[1]))


@pytest.mark.parametrize(
    ("box", "start", "stop", "first"),
    [
        ((0, 16), 0, 256, 0),  # at the near border
        ((250, 16), 128, 384, 128),  # in the middle: 130 would be exact, 128 is on the grid
        ((490, 16), 256, 512, 256),  # the last place on the grid
        ((504, 16), 256, 520, 264),  # at a far border that is not on the grid
    ],
)
def test_where_it_lies_along_520_pixels(
    box: tuple[int, int], start: int, stop: int, first: int
) -> None:
    window = Window(box[0], 0, box[1], 16)
    around = find_neighbourhood(window, (520, 256), 256, 32)
    assert around.read == (slice(start, stop), slice(0, 256))
    assert around.first == (first, 0)


@pytest.mark.parametrize(
    "window",
    [
        Window(-1, 5, 16, 16),
        Window(5, -1, 16, 16),
        Window(85, 5, 16, 16),
        Window(5, 105, 16, 16),
        Window(400, 400, 16, 16),
    ],
)
def test_boxes_outside_are_refused_in_a_sentence(window: Window) -> None:
    with pytest.raises(DGNOError, match=r"reaches outside of cells\.tif, which is 100 x 120 pixel"):
        find_neighbourhood(window, (100, 120), name="cells.tif")


def test_a_box_larger_than_the_neighbourhood_is_refused() -> None:
    with pytest.raises(DGNOError, match="100 x 10 pixels is larger than the neighbourhood of 64"):
        find_neighbourhood(Window(0, 0, 100, 10), (400, 400), 64)


@pytest.mark.parametrize(("height", "width"), [(1, 16), (16, 1), (0, 0), (-4, 16)])
def test_a_box_without_edges_is_refused(height: int, width: int) -> None:
    with pytest.raises(DGNOError, match="at least 2 x 2"):
        Window(0, 0, height, width)


def test_kernels_are_odd() -> None:
    with pytest.raises(DGNOError, match="odd side"):
        LamSettings(kernel=8)


def test_the_neighbourhood_is_read_as_the_network_will_see_it() -> None:
    image = np.random.default_rng(0).integers(0, 900, (3, 150, 170)).astype(np.uint16)
    settings = LamSettings(side=64)
    view = read_neighbourhood(image, Window.square(70, 90), settings, Restorer(LamNet()), (1,))
    assert view.origin == (32, 64)
    low, high = view.limits.low, view.limits.high
    expected = (image[1, 32:96, 64:128] - low) / (high - low)
    np.testing.assert_allclose(view.pixels[0], expected, atol=1e-6)


def test_a_second_models_grid_moves_the_neighbourhood() -> None:
    image = np.random.default_rng(0).random((300, 300)).astype(np.float32)
    settings = LamSettings(side=64)
    view = read_neighbourhood(image, Window.square(150, 150), settings, Restorer(LamNet()), grid=96)
    assert view.origin == (96, 96)
    with pytest.raises(DGNOError, match="reaches outside of image, which is 300 x 300"):
        read_neighbourhood(image, Window.square(290, 0), settings, Restorer(LamNet()))
