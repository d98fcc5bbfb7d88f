from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np
import pytest
from numpy.typing import NDArray

from dgno_core.optics import blur_varying, disk_psf, gaussian_psf, smooth_map
from dgno_core.optics.psf import PsfKind
from support.shared import load_fixture, needs_fixtures


def kernel_weight(kind: PsfKind, dy: int, dx: int, width: float) -> float:
    if kind == "gauss":
        reach = ceil(4 * width)
        inside = abs(dy) <= reach and abs(dx) <= reach
        return float(np.exp(-(dy * dy + dx * dx) / (2 * width * width))) if inside else 0.0
    return min(1.0, max(0.0, width + 0.5 - (dy * dy + dx * dx) ** 0.5))


def mirrored(index: int, size: int) -> int:
    index %= 2 * size
    return index if index < size else 2 * size - 1 - index


def blur_by_loops(
    image: NDArray[np.float64], widths: NDArray[np.float64], kind: PsfKind
) -> NDArray[np.float64]:
    """Build the kernel of every pixel and sum over it, one number after the other."""
    height, width = image.shape
    result = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            total = norm = 0.0
            reach = ceil(4 * widths[y, x]) + 1
            for dy in range(-reach, reach + 1):
                for dx in range(-reach, reach + 1):
                    weight = kernel_weight(kind, dy, dx, widths[y, x])
                    total += weight * image[mirrored(y + dy, height), mirrored(x + dx, width)]
                    norm += weight
            result[y, x] = total / norm
    return result


def jumping_map(
    shape: tuple[int, int], widths: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw blocks of 3 x 3 pixels of one width each."""
    blocks = rng.uniform(*widths, (ceil(shape[0] / 3), ceil(shape[1] / 3)))
    return np.kron(blocks, np.ones((3, 3)))[: shape[0], : shape[1]]


@pytest.mark.parametrize("kind", ["gauss", "disk"])
@pytest.mark.parametrize("make_map", [smooth_map, jumping_map])
def test_equals_a_loop_over_every_pixel_and_its_own_kernel(
    kind: PsfKind, make_map: Callable[..., NDArray[np.float64]]
) -> None:
    rng = np.random.default_rng(3)
    image = rng.random((9, 12))
    widths = make_map(image.shape, (0.4, 2.6), rng)
    expected = blur_by_loops(image, widths, kind)
    np.testing.assert_allclose(blur_varying(image, widths, kind), expected, rtol=0, atol=1e-13)


@needs_fixtures
@pytest.mark.parametrize("sigmas", ["8-10", "0.6-13"])
@pytest.mark.parametrize("family", ["smooth", "voronoi"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_equals_the_reference_blur(
    sigmas: str, family: str, dtype: type[np.floating], tolerance: float
) -> None:
    fixture = load_fixture("synthetic_blur")
    sharp = fixture["sharp"].astype(dtype)
    sigma = fixture[f"{sigmas}/{family}/sigma"].astype(dtype)
    blurred = blur_varying(sharp, sigma)
    assert blurred.dtype == dtype
    assert np.abs(blurred - fixture[f"{sigmas}/{family}/blurred_fp64"]).max() < tolerance


@pytest.mark.parametrize("kind", ["gauss", "disk"])
def test_a_constant_image_stays_constant(kind: PsfKind) -> None:
    widths = smooth_map((20, 24), (0.6, 5.0), np.random.default_rng(0))
    blurred = blur_varying(np.full((20, 24), 7.25), widths, kind)
    np.testing.assert_allclose(blurred, 7.25, rtol=1e-14)


@pytest.mark.parametrize(("kind", "psf"), [("gauss", gaussian_psf), ("disk", disk_psf)])
def test_a_point_far_from_the_border_becomes_the_kernel(
    kind: PsfKind, psf: Callable[[float], NDArray[np.float64]]
) -> None:
    kernel = psf(1.7)
    reach = kernel.shape[0] // 2
    image = np.zeros((41, 41))
    image[20, 20] = 1
    spot = blur_varying(image, 1.7, kind)
    around = slice(20 - reach, 21 + reach)
    np.testing.assert_allclose(spot[around, around], kernel, atol=1e-15)
    assert spot.sum() == pytest.approx(1.0, abs=1e-12)  # all of the light, and nowhere else


@pytest.mark.parametrize("kind", ["gauss", "disk"])
def test_light_is_kept_where_the_width_is_constant(kind: PsfKind) -> None:
    image = np.random.default_rng(5).random((32, 40))
    # The mirrored border gives back what leaves the image.
    assert blur_varying(image, 2.3, kind).sum() == pytest.approx(image.sum(), rel=1e-12)


def test_a_pixel_depends_on_its_own_width_only() -> None:
    image = np.random.default_rng(6).random((24, 24))
    narrow, wide = np.full((24, 24), 1.0), np.full((24, 24), 3.0)
    mixed = narrow.copy()
    mixed[:, 12:] = 3.0
    expected = np.where(mixed == 1.0, blur_varying(image, narrow), blur_varying(image, wide))
    np.testing.assert_allclose(blur_varying(image, mixed), expected, atol=1e-14)


def test_colours_are_blurred_one_by_one() -> None:
    rng = np.random.default_rng(7)
    image, widths = rng.random((16, 18, 3)), smooth_map((16, 18), (0.6, 2.0), rng)
    blurred = blur_varying(image, widths, "disk")
    for channel in range(3):
        alone = blur_varying(image[..., channel], widths, "disk")
        np.testing.assert_array_equal(blurred[..., channel], alone)


@pytest.mark.parametrize("kind", ["gauss", "disk"])
def test_single_precision_stays_single_and_close(kind: PsfKind) -> None:
    rng = np.random.default_rng(8)
    image, widths = rng.random((16, 18)), smooth_map((16, 18), (0.6, 4.0), rng)
    single = blur_varying(image.astype(np.float32), widths.astype(np.float32), kind)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, blur_varying(image, widths, kind), atol=2e-5)


@pytest.mark.parametrize("width", [0.0, -1.0, np.nan, np.inf])
def test_a_width_that_is_no_width_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match="width"):
        blur_varying(np.zeros((8, 8)), width)


def test_a_kernel_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="box"):
        blur_varying(np.zeros((8, 8)), 1.0, "box")  # type: ignore[arg-type]
