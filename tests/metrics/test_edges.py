from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from dgno_core.errors import DGNOError
from dgno_core.metrics.edges import band_psnr, edge_band, error_difference

SQUARE = np.zeros((64, 64))
SQUARE[20:44, 20:44] = 100


def test_the_band_lies_on_the_edges_and_nowhere_else() -> None:
    band = edge_band(SQUARE)
    assert band[20, 30]
    assert band[30, 43]
    assert not band[32, 32]
    assert not band[5, 5]


def test_dilation_widens_the_band_by_so_many_pixels() -> None:
    thin, wide = (edge_band(SQUARE, dilation=size) for size in (0, 2))
    rows = [np.flatnonzero(band[:32, 32]) for band in (thin, wide)]
    assert (rows[1][0], rows[1][-1]) == (rows[0][0] - 2, rows[0][-1] + 2)


def test_without_dilation_the_band_has_the_chosen_share() -> None:
    noisy = np.random.default_rng(0).random((100, 100))
    assert edge_band(noisy, share=0.2, dilation=0).mean() == pytest.approx(0.2, abs=1e-3)
    assert not edge_band(np.ones((32, 32))).any()


def test_colours_are_averaged_for_the_band() -> None:
    colour = np.stack([SQUARE] * 3, axis=-1)
    np.testing.assert_array_equal(edge_band(colour), edge_band(SQUARE))


def test_psnr_of_the_regions_by_hand() -> None:
    band = np.zeros((64, 64), bool)
    band[:16] = True
    image = SQUARE.copy()
    image[:16] += 10  # a tenth of the range
    image[16:] += 1
    score = band_psnr(SQUARE, image, band)
    assert score.area == 0.25
    assert score.band == pytest.approx(20)
    assert score.rest == pytest.approx(40)
    assert score.whole == pytest.approx(-10 * np.log10(0.25 * 0.01 + 0.75 * 0.0001))


def test_regions_that_are_empty_or_perfect() -> None:
    nothing = np.zeros((64, 64), bool)
    score = band_psnr(SQUARE, SQUARE, nothing)
    assert np.isnan(score.band)
    assert score.rest == score.whole == np.inf


def test_the_difference_is_positive_where_the_second_is_closer() -> None:
    first, second = SQUARE.copy(), SQUARE.copy()
    first[0, 0] -= 50
    second[1, 1] += 25
    second[2, 2] -= 10
    first[2, 2] += 10
    difference = error_difference(SQUARE, first, second)
    assert difference[0, 0] == 0.5
    assert difference[1, 1] == -0.25
    assert np.abs(difference).sum() == pytest.approx(0.75)
    colour = error_difference(*(np.stack([one] * 3, -1) for one in (SQUARE, first, second)))
    np.testing.assert_allclose(colour, difference)


def test_images_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(DGNOError, match=r"\(64, 64\) and \(64, 60\)"):
        band_psnr(SQUARE, SQUARE[:, :60])
    with pytest.raises(DGNOError, match="same value everywhere"):
        error_difference(np.ones((8, 8)), np.ones((8, 8)), np.ones((8, 8)))
    with pytest.raises(DGNOError, match="The band has the shape"):
        band_psnr(SQUARE, SQUARE, np.zeros((3, 3), bool))


def test_blurred_nuclei_lose_most_at_their_edges(shared_data: Path) -> None:
    from scipy.ndimage import gaussian_filter

    for path in sorted((shared_data / "bbbc039" / "images").iterdir())[:10:3]:
        sharp = tifffile.imread(path).astype(float)
        score = band_psnr(sharp, gaussian_filter(sharp, 3))
        assert 0.1 < score.area < 0.3
        assert score.band + 5 < score.whole < score.rest
