"""Sentences for images outside of what the card states, and silence for those inside."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from dgno_core.interpretation.trust.noise import Noise
from dgno_core.interpretation.trust.range_check import (
    check_blur,
    edge_width,
    noise_doubts,
    pixel_size_doubts,
    trained_noise,
)
from dgno_core.interpretation.trust.reblur import Reblurred
from support.trust import Floats, network_of, scene

RECIPE = json.dumps(
    {"data": {"degrade": {"photons": [150.0, 8000.0], "read_noise": 0.01, "gain": [0.6, 1.5]}}}
)


def with_width(width: Floats) -> Reblurred:
    empty = np.zeros((1, *width.shape), np.float32)
    return Reblurred("gauss", width, empty, empty, (Noise(0.0, 0.005),))


@pytest.mark.parametrize("width", [2.0, 4.0, 10.0])
def test_the_width_of_edges_is_estimated(width: float, rng: np.random.Generator) -> None:
    step = np.zeros((160, 160))
    step[:, 80:] = 1
    image = gaussian_filter(step, width) + 0.005 * rng.standard_normal(step.shape)
    assert edge_width(image.astype(np.float32), 0.005) == pytest.approx(width, rel=0.2)


def test_noise_has_no_edges(rng: np.random.Generator) -> None:
    noise = 0.1 * rng.standard_normal((128, 128)).astype(np.float32)
    assert np.isnan(edge_width(noise, 0.1))


def test_everything_too_blurred_is_said() -> None:
    image = np.stack([gaussian_filter(channel, 12) for channel in scene(160)])
    network = network_of(lambda x: x)
    check = check_blur("cells.tif", network, image, with_width(np.full((160, 160), 3.0)))
    assert check.beyond.all()
    (doubt,) = check.doubts
    assert "cells.tif" in doubt
    assert "up to 8 pixels" in doubt
    assert "do not trust" in doubt


def test_a_part_too_blurred_is_said_and_marked() -> None:
    width = np.full((128, 128), 3.0, np.float32)
    width[:, :32] = 9.0
    check = check_blur("cells.tif", network_of(lambda x: x), scene(), with_width(width))
    np.testing.assert_array_equal(check.beyond, width > 8)
    (doubt,) = check.doubts
    assert doubt.startswith("25% of the view of cells.tif")


@pytest.mark.parametrize("blur_px", [(0.0, 8.0), None])
def test_silence_inside_the_range_or_without_one(blur_px: tuple[float, float] | None) -> None:
    network = network_of(lambda x: x, blur_px=blur_px)
    width = np.full((128, 128), 3.0 if blur_px else 12.0, np.float32)
    check = check_blur("cells.tif", network, scene(), with_width(width))
    assert not check.doubts
    assert not check.beyond.any()


def test_noise_beyond_the_recipe_is_said() -> None:
    network = network_of(lambda x: x, recipe=RECIPE)
    limit = trained_noise(network.card)
    assert limit == pytest.approx(1.5 * np.sqrt(0.5 / 150 + 0.01**2))
    assert list(noise_doubts("cells.tif", network, (Noise(0.0, 0.9 * limit),))) == []
    (doubt,) = noise_doubts("cells.tif", network, (Noise(0.0, 0.01), Noise(0.0, 0.2)))
    assert "about 20% of its range" in doubt
    assert "at most 9%" in doubt


@pytest.mark.parametrize("recipe", ["", "by hand", "[]", "{}", '{"data": {"degrade": {}}}'])
def test_a_recipe_that_says_nothing_of_noise_raises_no_doubt(recipe: str) -> None:
    network = network_of(lambda x: x, recipe=recipe)
    assert list(noise_doubts("cells.tif", network, (Noise(0.0, 0.5),))) == []


@pytest.mark.parametrize(("size", "count"), [(0.5, 0), (2.0, 1), (0.05, 1), (None, 0)])
def test_pixels_of_another_size_are_said(size: float | None, count: int) -> None:
    network = network_of(lambda x: x, pixel_size_um=(0.1, 1.3))
    doubts = list(pixel_size_doubts("cells.tif", network, size))
    assert len(doubts) == count
    assert all("0.1 to 1.3 µm" in doubt for doubt in doubts)
