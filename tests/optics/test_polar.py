from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dgno_core.optics.ring import Form, bicubic, polar_grid
from support.shared import load_fixture, needs_fixtures

RINGS = ["ring_d64_A", "ring_d128_B"]  # the image of a size is the same for every lens


def smooth(side: int) -> np.ndarray:
    y, x = (np.mgrid[:side, :side] - side / 2) / side
    return np.exp(-((x - 0.1) ** 2 + (y + 0.08) ** 2) / 0.02)


@needs_fixtures
@pytest.mark.parametrize("name", RINGS)
def test_the_released_form_equals_the_reference(name: str) -> None:
    fixture = load_fixture(name)
    grid = polar_grid(int(fixture["dim"]), "released")
    assert np.abs(grid.unroll(fixture["img"]) - fixture["polar"]).max() < 2e-5
    assert np.abs(grid.roll_up(fixture["polar"]) - fixture["polar_inv"]).max() < 2e-5


def test_bicubic_with_the_released_slope_is_torchs() -> None:
    rng = np.random.default_rng(0)
    image, points = rng.random((9, 11)), rng.uniform(-1.5, 12, (2, 50))
    ours = bicubic(*points, image.shape, ("dark", "dark"), -0.75) @ image.ravel()
    where = 2 * torch.from_numpy(points[::-1].T.copy()) / torch.tensor([10.0, 8.0]) - 1
    theirs = F.grid_sample(
        torch.from_numpy(image)[None, None], where[None, None], "bicubic", "zeros", True
    )
    np.testing.assert_allclose(ours, theirs[0, 0, 0].numpy(), atol=1e-12)


def test_bicubic_with_the_corrected_slope_is_exact_for_parabolas() -> None:
    y, x = np.mgrid[:10, :12].astype(float)
    image = 3 + 2 * x - y + x**2 - 0.5 * y * x + 0.3 * y**2
    points = np.random.default_rng(1).uniform(2, 7, (2, 40))
    b, a = points
    expected = 3 + 2 * a - b + a**2 - 0.5 * b * a + 0.3 * b**2
    ours = bicubic(*points, image.shape, ("dark", "dark"), -0.5) @ image.ravel()
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_angles_wrap_and_borders_repeat() -> None:
    image = np.arange(24.0).reshape(6, 4)
    rows, columns = np.array([5.5, -0.5, 5.5]), np.array([1.0, 1.0, 3.4])
    wrapped, before, beyond = (
        bicubic(rows, columns, (6, 4), ("wrap", "repeat"), -0.5) @ image.ravel()
    )
    assert wrapped == pytest.approx(before)  # half a step before the first is after the last
    assert wrapped == pytest.approx(np.array([-1, 9, 9, -1]) @ image[[4, 5, 0, 1], 1] / 16)
    assert np.isfinite(beyond)


@pytest.mark.parametrize(("form", "least", "most"), [("released", 25, 45), ("corrected", 65, 130)])
def test_there_and_back(form: Form, least: float, most: float) -> None:
    image = smooth(64) + np.roll(smooth(64), (12, 11), (0, 1))  # in the middle and far from it
    grid = polar_grid(64, form, dtype=np.float64)
    error = grid.roll_up(grid.unroll(image)) - image
    assert least < -10 * np.log10(np.mean(error**2)) < most


@pytest.mark.parametrize("down", [0, 5, 20])  # on the axis, where the rings have no area, as well
def test_light_is_counted_by_area(down: int) -> None:
    y, x = np.mgrid[:64, :64] - 32
    image = np.exp(-((y - down) ** 2 + x**2) / 18)
    grid = polar_grid(64, dtype=np.float64)
    assert (grid.unroll(image) * grid.area).sum() == pytest.approx(image.sum(), rel=1e-4)
    released = polar_grid(64, "released", dtype=np.float64)
    light = (released.unroll(image) * released.area).sum()
    assert light < 0.995 * image.sum()  # 4N / (4N + 2), and more on the axis


def test_a_form_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="released"):
        polar_grid(16, "fast")  # type: ignore[arg-type]
