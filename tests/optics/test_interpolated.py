"""The error of the fast blur of training, as `docs/optics.md` states it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from dgno_core.optics import (
    blur_interpolated,
    blur_varying,
    controlled_scene,
    region_map,
    smooth_map,
)
from dgno_core.optics.maps import MapKind
from dgno_core.optics.psf import PsfKind

SIDE, REACH = 48, 26


def picture(name: str) -> NDArray[np.float64]:
    side = SIDE + 2 * REACH
    if name == "scene":
        return controlled_scene(3, (side, side))
    return gaussian_filter(np.random.default_rng(0).standard_normal((side, side)), 1.0)


@pytest.mark.parametrize("psf", ["gauss", "disk"])
@pytest.mark.parametrize("kind", ["smooth", "regions"])
@pytest.mark.parametrize("name", ["texture", "scene"])
def test_the_error_is_as_documented(name: str, kind: MapKind, psf: PsfKind) -> None:
    image = picture(name)
    draw = smooth_map if kind == "smooth" else region_map
    widths = draw((SIDE, SIDE), (0.6, 8.0), np.random.default_rng(1))
    exact = blur_varying(image, np.pad(widths, REACH, mode="edge"), psf)
    exact = exact[REACH:-REACH, REACH:-REACH]

    def error(levels: int) -> NDArray[np.float64]:
        fast = blur_interpolated(
            torch.from_numpy(image)[None],
            torch.from_numpy(widths),
            psf,
            levels=levels,
            radius=REACH,
        )
        return np.abs(fast[0].numpy() - exact) / np.ptp(image)

    ten, many = error(10), error(32)
    edges = name == "scene"  # of one pixel, where the widths between two levels differ most
    assert ten.max() < (0.08 if edges else 0.03)
    assert ten.mean() < 0.002
    assert many.max() < (0.015 if edges else 0.005)
    assert many.mean() < 0.0003
    assert ten.max() > many.max()


def test_one_width_is_blurred_exactly() -> None:
    image = picture("texture")
    widths = torch.full((SIDE, SIDE), 5.0, dtype=torch.float64)
    fast = blur_interpolated(torch.from_numpy(image)[None], widths, "disk", radius=REACH)
    exact = blur_varying(image, 5.0, "disk")[REACH:-REACH, REACH:-REACH]
    np.testing.assert_allclose(fast[0].numpy(), exact, atol=1e-12)
