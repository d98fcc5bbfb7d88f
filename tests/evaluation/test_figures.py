from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dgno_core.evaluation.figures import (
    FigurePanel,
    crop,
    display_window,
    error_map,
    grid_figure,
    row_figure,
    save_picture,
    to_display,
    worst_box,
)


def test_all_panels_share_the_window_of_the_sharp_image() -> None:
    sharp = np.linspace(100, 1100, 10_000).reshape(100, 100)
    window = display_window(sharp)
    assert window == pytest.approx((101, 1099))
    shown = to_display(np.array([[0, 600, 5000]]), window)
    np.testing.assert_array_equal(shown, [[0, 128, 255]])


def test_a_constant_image_can_be_shown() -> None:
    image = np.full((16, 16), 5)
    assert to_display(image, display_window(image)).max() == 0


def test_the_error_is_in_units_of_the_sharp_range() -> None:
    sharp = np.array([[0.0, 200.0]])
    np.testing.assert_allclose(error_map(sharp, sharp + 20), 0.1)
    colour = np.stack([sharp, sharp, sharp], axis=-1)
    shifted = colour + np.array([30.0, 0, -30.0])
    np.testing.assert_allclose(error_map(colour, shifted), 0.1)


@pytest.mark.parametrize("corner", [(0, 0), (0, 41), (33, 0), (33, 41), (10, 20)])
def test_the_worst_spot_is_found_anywhere(corner: tuple[int, int]) -> None:
    error = np.zeros((40, 50))
    y, x = corner
    error[y : y + 7, x : x + 9] = 1
    top, left, height, width = worst_box(error, 7)
    assert (height, width) == (7, 7)
    assert (top, left >= x, left + 7 <= x + 9) == (y, True, True)
    assert crop(error, (top, left, height, width)).min() == 1


def test_a_small_image_is_its_own_worst_spot() -> None:
    assert worst_box(np.random.default_rng(0).random((12, 30)), 40) == (0, 0, 12, 30)


@pytest.mark.parametrize("shape", [(60, 80), (60, 80, 3)])
def test_a_row_has_the_size_and_the_grey_values_of_its_panels(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    from PIL import Image

    panels = [
        FigurePanel("a", "b", np.full(shape, level, dtype=np.uint8)) for level in (0, 90, 255)
    ]
    path = save_picture(row_figure(panels, panel_width=80), tmp_path / "row.jpg")
    picture = np.asarray(Image.open(path).convert("L")).astype(int)
    assert picture.shape == (100, 3 * 80 + 2 * 8)
    for index, level in enumerate((0, 90, 255)):
        assert abs(picture[70, index * 88 + 40] - level) <= 3


def test_a_grid_has_its_rows_below_each_other(tmp_path: Path) -> None:
    from PIL import Image

    flat, tall = (np.full(shape, 200, dtype=np.uint8) for shape in ((40, 80), (80, 80)))
    black = np.zeros((80, 80), dtype=np.uint8)
    rows = [
        [FigurePanel("a", "", flat)] * 2,
        [FigurePanel("b", "", tall), FigurePanel("c", "", black)],
    ]
    path = save_picture(grid_figure(rows, panel_width=80), tmp_path / "grid.jpg")
    picture = np.asarray(Image.open(path).convert("L")).astype(int)
    assert picture.shape == (40 + 40 + 40 + 80, 80 + 8 + 80)
    assert abs(picture[60, 40] - 200) <= 3
    assert abs(picture[160, 40] - 200) <= 3
    assert picture[160, 130] <= 3


def test_a_picture_stays_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (600, 600), dtype=np.uint8)
    panel = FigurePanel("noise", "", noise)
    figure = row_figure([panel, panel], panel_width=600)
    small = save_picture(figure, tmp_path / "small.jpg", limit=500_000).stat().st_size
    large = save_picture(figure, tmp_path / "large.jpg", limit=10**9).stat().st_size
    assert small <= 500_000 < large
