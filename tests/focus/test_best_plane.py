from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from dgno_core.data.pairs import ImageRef
from dgno_core.data.stack_planes import stack_planes
from dgno_core.errors import DGNOError
from dgno_core.focus.composite import all_in_focus
from dgno_core.focus.curve import (
    best_plane,
    best_plane_map,
    focus_curve,
    peak,
    plot_focus_curve,
)
from dgno_core.focus.sharpness import (
    MEASURES,
    focus_measure,
    high_frequency_share,
    noise_level,
    tenengrad,
    variance_of_laplacian,
)

Measure = Callable[[np.ndarray], float]
each_measure = pytest.mark.parametrize("measure", list(MEASURES.values()), ids=list(MEASURES))


def cells(shape: tuple[int, int] = (128, 140), seed: int = 0, count: int = 40) -> np.ndarray:
    """Discs with crisp borders on an empty ground, 0 to about 200."""
    rng = np.random.default_rng(seed)
    image = np.zeros(shape)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for _ in range(count):
        away = np.hypot(y - rng.uniform(0, shape[0]), x - rng.uniform(0, shape[1]))
        image += rng.uniform(40, 100) * (away < rng.uniform(3, 9))
    return gaussian_filter(image, 0.8)


def focal_stack(best: int = 4, planes: int = 9, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed + 100)
    image = cells(seed=seed)
    blurred = [gaussian_filter(image, 0.9 * abs(z - best)) for z in range(planes)]
    return np.array([plane + noise * rng.standard_normal(plane.shape) for plane in blurred])


@each_measure
def test_blur_always_lowers_a_measure(measure: Measure) -> None:
    values = [measure(gaussian_filter(cells(), width)) for width in (0, 0.5, 1, 2, 4, 8)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.6 * values[0]


@each_measure
def test_gain_and_offset_of_an_image_change_nothing(measure: Measure) -> None:
    image = cells() + np.random.default_rng(0).standard_normal((128, 140))
    assert measure(3.7 * image + 1000) == pytest.approx(measure(image), rel=1e-6)


@each_measure
def test_noise_alone_is_no_structure(measure: Measure) -> None:
    rng = np.random.default_rng(0)
    assert all(measure(rng.normal(100, 20, (96, 96))) == 0 for _ in range(20))
    assert measure(rng.poisson(30, (96, 96))) == 0


@each_measure
def test_a_noisy_blurred_image_does_not_pass_for_a_sharp_one(measure: Measure) -> None:
    noise = 8 * np.random.default_rng(0).standard_normal((128, 140))
    assert measure(gaussian_filter(cells(), 6) + noise) < 0.5 * measure(cells() + noise)


@each_measure
@pytest.mark.parametrize("image", [np.zeros((32, 32)), np.full((32, 32), 1e6 / 3)])
def test_a_constant_image_has_no_focus(measure: Measure, image: np.ndarray) -> None:
    assert measure(image) == 0


@each_measure
def test_colour_counts_as_its_mean(measure: Measure) -> None:
    image = cells()
    colours = np.stack([0.5 * image, image, 1.5 * image], -1)
    assert measure(colours) == pytest.approx(measure(image))


@each_measure
@pytest.mark.parametrize(
    "image", [np.zeros(30), np.zeros((7, 30)), np.zeros((2, 30, 30)), np.full((20, 20), np.nan)]
)
def test_what_is_no_image_is_refused(measure: Measure, image: np.ndarray) -> None:
    with pytest.raises(DGNOError):
        measure(image)


def test_the_measures_are_what_their_names_say() -> None:
    # Waves that are at their peak at both ends, so that a mirror continues them.
    x = np.arange(201.0)
    rows = np.ones((64, 1))
    k = 2 * np.pi / 20
    wave = np.cos(k * x) * rows
    assert tenengrad(wave) == pytest.approx(np.sin(k) ** 2, rel=0.01)
    assert variance_of_laplacian(wave) == pytest.approx((2 - 2 * np.cos(k)) ** 2, rel=0.01)
    slow, fast = (np.cos(2 * np.pi * x / period) * np.ones((192, 1)) for period in (100, 8))
    assert high_frequency_share(slow) == pytest.approx(0, abs=0.02)
    assert high_frequency_share(slow + fast) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("level", [0.5, 5.0, 50.0])
def test_the_noise_level_is_found_beside_structure(level: float) -> None:
    noise = level * np.random.default_rng(0).standard_normal((128, 140))
    assert noise_level(gaussian_filter(cells(), 1.5) + noise) == pytest.approx(level, rel=0.1)


def test_unknown_measures_are_refused() -> None:
    with pytest.raises(DGNOError, match="laplacian, tenengrad, spectral"):
        focus_measure("entropy")


@pytest.mark.parametrize("measure", list(MEASURES))
@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_the_best_plane_is_found_in_changing_light(measure: str, noise: float) -> None:
    light = np.linspace(1.6, 0.5, 9)[:, None, None]
    found = best_plane(focal_stack(5, noise=noise) * light + 50, measure)
    assert found.index == 5
    assert found.position == pytest.approx(5, abs=0.5)
    assert found.confidence > 0.3
    assert found.warning is None


def test_the_best_plane_stands_for_its_index() -> None:
    stack = focal_stack(5)
    np.testing.assert_array_equal(stack[best_plane(stack)], stack[5])


def test_the_peak_between_planes_is_interpolated() -> None:
    z = np.arange(9)
    assert peak(10 - (z - 4.3) ** 2 / 4).position == pytest.approx(4.3)


@pytest.mark.parametrize(
    ("curve", "word"),
    [
        ([1.0, 1.1, 1.0, 1.05], "nearly flat"),
        ([0.0, 0.0, 0.0], "noise"),
        ([3.0, 2.0, 1.0, 0.5], "first"),
        ([0.5, 1.0, 2.0, 3.0], "last"),
        ([2.0], "one plane only"),
    ],
)
def test_doubtful_peaks_come_with_a_warning(curve: list[float], word: str) -> None:
    found = peak(curve)
    assert found.warning is not None
    assert word in found.warning


def test_impossible_curves_are_refused() -> None:
    for curve in ([], [1.0, np.nan], [[1.0]]):
        with pytest.raises(DGNOError):
            peak(curve)
    with pytest.raises(DGNOError):
        focus_curve([])


def test_a_tilted_specimen_has_its_best_plane_tile_by_tile() -> None:
    left, right = focal_stack(2), focal_stack(6, seed=1)
    stack = np.concatenate([left, right], axis=2)
    stack = np.concatenate([stack, np.zeros((9, 64, stack.shape[2]))], axis=1)
    found = best_plane_map(stack, 64)
    assert found.curves.shape == (9, 3, 4)
    middle = found.edges_x[:-1] < left.shape[2] - 32
    assert (found.plane[:2, middle] == 2).all()
    assert (found.plane[:2, ~middle] == 6).all()
    assert (found.plane[2] == -1).all()
    assert (found.confidence[2] == 0).all()
    assert (found.confidence[:2] > 0.3).all()
    assert (found.edges_y[[0, -1]] == [0, stack.shape[1]]).all()


def test_all_is_in_focus_in_an_image_of_the_locally_best_planes() -> None:
    left, right = focal_stack(2), focal_stack(6, seed=1)
    stack = np.concatenate([left, right], axis=2)
    fused = all_in_focus((10 * stack).astype(np.uint16), tile=64)
    assert fused.shape == stack.shape[1:]
    assert fused.dtype == np.uint16
    for part, sharp in (
        (fused[:, :90], 10 * left[2, :, :90]),
        (fused[:, -90:], 10 * right[6, :, -90:]),
    ):
        assert np.abs(part - sharp).max() <= 1
    by_hand = all_in_focus((10 * stack).astype(np.uint16), best_plane_map(stack, 64))
    np.testing.assert_array_equal(fused, by_hand)
    with pytest.raises(DGNOError, match="register them first"):
        all_in_focus([cells(), cells((100, 140))])


def test_tiles_need_planes_of_one_size() -> None:
    with pytest.raises(DGNOError, match="register them first"):
        best_plane_map([cells(), cells((100, 140))], 32)
    with pytest.raises(DGNOError):
        best_plane_map([], 32)
    with pytest.raises(DGNOError, match="too small"):
        best_plane_map([cells()], 4)


def test_the_plot_is_written(tmp_path: Path) -> None:
    curves = {name: focus_curve(focal_stack(), name) for name in MEASURES}
    path = plot_focus_curve(curves, tmp_path / "focus.png", positions=np.arange(-4, 5), label="µm")
    assert path.stat().st_size > 5000
    plot_focus_curve([0.0, 0.0], tmp_path / "flat.svg")
    with pytest.raises(DGNOError, match="could not be written"):
        plot_focus_curve([1.0, 2.0], tmp_path / "nowhere" / "focus.png")


@pytest.mark.parametrize("measure", list(MEASURES))
def test_the_real_smear_is_sharpest_at_zero(shared_data: Path, measure: str) -> None:
    planes = stack_planes(shared_data / "sharpness-smear-stack")
    assert all(isinstance(plane, ImageRef) for plane in planes)
    curve = focus_curve(planes, measure)
    found = peak(curve)
    assert planes[found.index].name == "0.bmp"
    assert found.warning is None
    assert found.position == pytest.approx(9, abs=0.1)
    near = curve[4:15]
    assert (np.diff(near[:6]) > 0).all()
    assert (np.diff(near[5:]) < 0).all()
