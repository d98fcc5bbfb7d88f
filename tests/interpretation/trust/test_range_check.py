"""Sentences for images outside of what the card states, and silence for those inside."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from dgno_core.inference.edges import edge_width
from dgno_core.inference.noise import Noise
from dgno_core.inference.range_check import trained_noise
from dgno_core.interpretation.trust.range_check import (
    check_blur,
    noise_warnings,
    pixel_size_warnings,
    widest_for,
)
from dgno_core.interpretation.trust.reblur import Reblurred, reblur
from dgno_core.optics.noise import camera_noise
from dgno_core.optics.psf import PsfKind
from dgno_core.optics.varying import blur_varying
from support.trust import Floats, network_of, scene

RECIPE = json.dumps(
    {"data": {"degrade": {"photons": [150.0, 8000.0], "read_noise": 0.01, "gain": [0.6, 1.5]}}}
)


def with_width(width: Floats, kernel: PsfKind = "gauss", widest: float = 12.0) -> Reblurred:
    empty = np.zeros((1, *width.shape), np.float32)
    return Reblurred(kernel, width, empty, empty, (Noise(0.0, 0.005),), widest)


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
    (warning,) = check.warnings
    assert "cells.tif" in warning
    assert "up to 8 pixels" in warning
    assert "do not trust" in warning


def test_a_part_too_blurred_is_said_and_marked() -> None:
    width = np.full((128, 128), 3.0, np.float32)
    width[:, :32] = 9.0
    check = check_blur("cells.tif", network_of(lambda x: x), scene(), with_width(width))
    np.testing.assert_array_equal(check.beyond, width > 8)
    (warning,) = check.warnings
    assert warning.startswith("25% of the view of cells.tif")


@pytest.mark.parametrize(("radius", "is_said"), [(12.0, True), (6.0, False)])
def test_a_disk_is_compared_by_its_radius(radius: float, is_said: bool) -> None:
    sharp = scene()
    disk = np.stack([blur_varying(c, np.full(c.shape, radius), "disk") for c in sharp])
    noise = 0.005 * np.random.default_rng(5).standard_normal(sharp.shape)
    found = reblur((disk + noise).astype(np.float32), sharp)
    assert found.kernel == "disk"
    assert np.median(found.width) == pytest.approx(radius / 2, rel=0.05)
    # The edges of the sharp scene raise no alarm: the width map decides.
    check = check_blur("cells.tif", network_of(lambda x: x), sharp, found)
    assert check.beyond.mean() == pytest.approx(float(is_said), abs=0.05)
    assert bool(check.warnings) is is_said
    if is_said:
        assert "more than 8 pixels (radius of a disk)" in check.warnings[0]


def test_edges_of_a_disk_are_compared_by_its_radius() -> None:
    sharp = scene(160)
    image = np.stack([blur_varying(c, np.full(c.shape, 12.0), "disk") for c in sharp])
    small = np.full((160, 160), 1.0, np.float32)
    network = network_of(lambda x: x)
    (warning,) = check_blur("cells.tif", network, image, with_width(small, "disk")).warnings
    assert "Even the sharpest edges" in warning
    assert not check_blur("cells.tif", network, image, with_width(small)).warnings


@pytest.mark.parametrize(("sigma", "is_said"), [(24.0, True), (12.0, False)])
def test_a_card_of_strong_blur_has_its_own_alarm(sigma: float, is_said: bool) -> None:
    network = network_of(lambda x: x, blur_px=(0.0, 18.0))
    sharp = np.zeros((1, 192, 192), np.float32)
    sharp[:, 40:150, 30:160] = 1
    noise = 0.002 * np.random.default_rng(5).standard_normal(sharp.shape)
    observed = (gaussian_filter(sharp, (0, sigma, sigma)) + noise).astype(np.float32)
    found = reblur(observed, sharp, widest=widest_for(network.card))
    assert found.widest == 27
    assert np.median(found.width) == pytest.approx(sigma, rel=0.15)
    assert bool(check_blur("cells.tif", network, observed, found).warnings) is is_said


def test_a_width_at_the_end_of_the_bank_is_beyond() -> None:
    network = network_of(lambda x: x)
    width = np.full((128, 128), 6.0, np.float32)
    found = with_width(width, widest=6.0)  # tried less far than the card goes
    assert check_blur("cells.tif", network, scene(), found).beyond.all()


@pytest.mark.parametrize("blur_px", [(0.0, 8.0), None])
def test_silence_inside_the_range_or_without_one(blur_px: tuple[float, float] | None) -> None:
    network = network_of(lambda x: x, blur_px=blur_px)
    width = np.full((128, 128), 3.0 if blur_px else 12.0, np.float32)
    check = check_blur("cells.tif", network, scene(), with_width(width))
    assert not check.warnings
    assert not check.beyond.any()


def test_noise_beyond_the_recipe_is_said() -> None:
    network = network_of(lambda x: x, recipe=RECIPE)
    limit = trained_noise(network.card)
    assert limit is not None
    assert list(noise_warnings("cells.tif", network, (Noise(0.0, 0.9 * limit),))) == []
    (warning,) = noise_warnings("cells.tif", network, (Noise(0.0, 0.01), Noise(0.0, 0.2)))
    assert "about 20% of its range" in warning
    assert "at most 7%" in warning


def test_the_strongest_noise_is_that_of_the_training(rng: np.random.Generator) -> None:
    # As training does: noise first, the gain after it.
    gain = 1.5
    light = np.full((400, 400), 0.5 / gain)
    noisy = gain * camera_noise(light, 150.0, 0.01, rng)
    assert noisy.mean() == pytest.approx(0.5, abs=0.01)
    found = trained_noise(network_of(lambda x: x, recipe=RECIPE).card)
    assert found == pytest.approx(noisy.std(), rel=0.02)


@pytest.mark.parametrize("recipe", ["", "by hand", "[]", "{}", '{"data": {"degrade": {}}}'])
def test_a_recipe_that_says_nothing_of_noise_raises_no_doubt(recipe: str) -> None:
    network = network_of(lambda x: x, recipe=recipe)
    assert list(noise_warnings("cells.tif", network, (Noise(0.0, 0.5),))) == []


@pytest.mark.parametrize(("size", "count"), [(0.5, 0), (2.0, 1), (0.05, 1), (None, 0)])
def test_pixels_of_another_size_are_said(size: float | None, count: int) -> None:
    network = network_of(lambda x: x, pixel_size_um=(0.1, 1.3))
    warnings = list(pixel_size_warnings("cells.tif", network, size))
    assert len(warnings) == count
    assert all("0.1 to 1.3 µm" in warning for warning in warnings)
