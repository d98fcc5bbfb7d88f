from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dgno_core.optics import disk_psf, gaussian_psf, make_psf

MakePsf = Callable[[float], NDArray[np.float64]]


@pytest.mark.parametrize("psf", [gaussian_psf, disk_psf])
@pytest.mark.parametrize("width", [0.3, 0.6, 1.0, 3.7, 8.0])
def test_a_kernel_is_normalised_odd_and_symmetric(psf: MakePsf, width: float) -> None:
    kernel = psf(width)
    assert kernel.sum() == pytest.approx(1.0, abs=1e-14)
    assert kernel.shape[0] == kernel.shape[1]
    assert kernel.shape[0] % 2 == 1
    np.testing.assert_array_equal(kernel, kernel.T)
    np.testing.assert_array_equal(kernel, kernel[::-1])


def test_the_gaussian_has_the_variance_it_is_asked_for() -> None:
    kernel = gaussian_psf(2.5)
    offsets = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    assert (kernel.sum(axis=0) * offsets**2).sum() == pytest.approx(2.5**2, rel=2e-3)


@pytest.mark.parametrize("radius", [2.2, 3.3, 6.9])
def test_the_disk_has_the_area_of_a_disk(radius: float) -> None:
    kernel = disk_psf(radius)
    area = 1 / kernel.max()  # the inside is flat, so 1/value is the number of pixels it stands for
    assert area == pytest.approx(np.pi * radius**2, rel=0.05)


def test_the_disk_grows_smoothly_with_its_radius() -> None:
    # A hard-edged disk would gain whole rings of pixels between these radii, or nothing.
    changes = [np.abs(disk_psf(r + 0.02) - disk_psf(r)).sum() for r in (3.01, 3.21, 3.61)]
    assert max(changes) < 0.03
    assert min(changes) > 0


@pytest.mark.parametrize("width", [0.0, -2.0, np.nan])
def test_a_kernel_needs_a_positive_width(width: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        make_psf("disk", width)


def test_a_kernel_is_made_by_name() -> None:
    np.testing.assert_array_equal(make_psf("gauss", 1.5), gaussian_psf(1.5))
    np.testing.assert_array_equal(make_psf("disk", 1.5), disk_psf(1.5))
    with pytest.raises(ValueError, match="box"):
        make_psf("box", 1.5)  # type: ignore[arg-type]
