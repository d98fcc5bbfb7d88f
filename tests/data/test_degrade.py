from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from dgno_core.data.degrade import degrade, random_psf, random_widths, recolour, relight
from dgno_core.data.degrade_config import DegradeConfig
from dgno_core.data.patches import SyntheticPairs
from dgno_core.optics.interpolated import blur_interpolated
from dgno_core.optics.varying import blur_varying

MARGIN = DegradeConfig().margin


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("psf", ["gauss", "disk"])
def test_fast_blur_stays_close_to_the_exact_one(psf: str) -> None:
    side, radius = 40, 26
    noise = np.random.default_rng(0).standard_normal((side + 2 * radius, side + 2 * radius))
    image = gaussian_filter(noise, 1.0)  # as fine as a microscope's own optics leave it
    image /= image.max() - image.min()
    width = torch.linspace(0.6, 6, side).expand(side, side).contiguous()
    fast = blur_interpolated(torch.from_numpy(image)[None], width.double(), psf, radius=radius)[0]
    exact_width = np.pad(width.numpy().astype(float), radius, mode="edge")
    exact = blur_varying(image, exact_width, psf)
    error = np.abs(fast.numpy() - exact[radius:-radius, radius:-radius])
    assert error.mean() < 0.002
    assert error.max() < 0.02


def test_fast_blur_leaves_constants_and_zero_width_alone() -> None:
    side = 20 + 2 * MARGIN
    width = torch.linspace(0, 8, 400).view(20, 20)
    flat = blur_interpolated(torch.full((1, side, side), 0.7), width, "disk", radius=MARGIN)
    torch.testing.assert_close(flat, torch.full((1, 20, 20), 0.7))
    image = torch.rand(3, side, side, generator=generator())
    same = blur_interpolated(image, torch.zeros(20, 20), "gauss", radius=MARGIN)
    torch.testing.assert_close(same, image[:, MARGIN:-MARGIN, MARGIN:-MARGIN])


def test_width_maps_stay_in_range_and_come_in_both_kinds() -> None:
    jumps = []
    for seed in range(20):
        widths = random_widths((48, 64), 8.0, generator(seed))
        assert widths.shape == (48, 64)
        assert widths.min() >= 0
        assert widths.max() <= 8
        jumps.append(len(widths.unique()) <= 16)
    assert any(jumps)
    assert not all(jumps)


def test_without_blur_noise_and_gain_nothing_changes() -> None:
    config = DegradeConfig(share_sharp=1, share_clean=1, gain=(1, 1), offset=(0, 0))
    crop = torch.rand(1, 32 + 2 * MARGIN, 32 + 2 * MARGIN, generator=generator())
    degraded, sharp = degrade(crop, config, generator())
    assert torch.equal(degraded, sharp)


def pairs(seed: int = 3) -> SyntheticPairs:
    images = [np.random.default_rng(i).random((1, 50 + i, 90), np.float32) for i in range(3)]
    return SyntheticPairs(images, [1, 1, 2], crop=32, batch=4, config=DegradeConfig(), seed=seed)


def test_a_batch_depends_on_its_number_alone() -> None:
    one, other = pairs(), pairs()
    other.batch(0)
    for a, b in zip(one.batch(7), other.batch(7), strict=True):
        assert a.shape == (4, 1, 32, 32)
        assert torch.equal(a, b)
    assert not torch.equal(one.batch(7)[1], one.batch(8)[1])
    assert not torch.equal(one.batch(7)[1], pairs(4).batch(7)[1])


def test_recolouring_keeps_the_picture_and_changes_the_colours() -> None:
    crop = torch.rand(3, 8, 8, generator=generator())
    same = recolour(crop, DegradeConfig(), generator(1))
    assert torch.equal(same, crop)
    config = DegradeConfig(tint=0.2, share_shuffled=1)
    orders = set()
    for seed in range(20):
        ratios = recolour(crop, config, generator(seed))[:, None] / crop[None]
        spread = ratios.flatten(2).std(-1)
        order = spread.argmin(1)
        orders.add(tuple(order.tolist()))
        assert spread.gather(1, order[:, None]).max() < 1e-5
        gains = ratios.flatten(2).mean(-1).gather(1, order[:, None])
        assert 0.8 <= gains.min() <= gains.max() <= 1.2
    assert len(orders) > 3


def test_large_blur_takes_in_more_of_its_surroundings() -> None:
    config = DegradeConfig(max_width=18, share_sharp=0, share_clean=1)
    assert config.margin == 54
    images = [np.random.default_rng(0).random((1, 60, 60), np.float32)]
    degraded, sharp = SyntheticPairs(images, [1], crop=48, batch=1, config=config, seed=0).batch(0)
    assert degraded.shape == sharp.shape == (1, 1, 48, 48)
    assert degraded.std() < 0.5 * sharp.std()


def test_light_and_contrast_change_input_and_target_alike() -> None:
    plain = DegradeConfig(share_sharp=1, share_clean=1, gain=(1, 1), offset=(0, 0))
    config = plain.changed(contrast=(0.7, 1.4), background=0.3)
    crop = torch.rand(1, 32 + 2 * MARGIN, 32 + 2 * MARGIN, generator=generator())
    degraded, sharp = degrade(crop, config, generator(5))
    assert torch.equal(degraded, sharp)
    assert not torch.allclose(sharp, degrade(crop, plain, generator(5))[1])


def test_contrast_keeps_black_white_and_the_order_between() -> None:
    config = DegradeConfig(contrast=(0.7, 1.4))
    ramp = torch.linspace(0, 1, 50).view(1, 1, 50)
    for seed in range(5):
        bent = relight(ramp, config, generator(seed))
        torch.testing.assert_close(bent[..., [0, -1]], ramp[..., [0, -1]])
        assert (bent.diff() > 0).all()
    assert torch.isfinite(relight(torch.full((1, 1, 1), -3.0), config, generator())).all()


def test_added_light_is_smooth_and_bounded() -> None:
    config = DegradeConfig(background=0.3)
    lit = relight(torch.zeros(1, 64, 64), config, generator(1))
    assert 0 < lit.max() <= 0.45  # a cubic overshoots between its nodes
    assert lit.min() >= 0
    assert max(float(lit.diff(dim=axis).abs().max()) for axis in (1, 2)) < 0.03


def test_aberrated_crops_are_drawn_as_often_as_asked() -> None:
    config = DegradeConfig(share_aberrated=0.5)
    drawn = [random_psf(config, generator(seed)) for seed in range(200)]
    assert 70 < sum(map(callable, drawn)) < 130
    assert {psf for psf in drawn if not callable(psf)} == {"gauss", "disk"}


def test_enlarged_crops_are_smoother_and_as_large() -> None:
    images = [np.random.default_rng(0).random((1, 120, 120), np.float32)]
    plain = DegradeConfig(share_sharp=1, share_clean=1)

    def roughness(zoom: tuple[float, float]) -> float:
        pairs = SyntheticPairs(images, [1], crop=32, batch=4, config=plain, seed=0, zooms=[zoom])
        sharp = pairs.batch(0)[1]
        assert sharp.shape == (4, 1, 32, 32)
        return float((sharp.diff(dim=-1).std((1, 2, 3)) / sharp.std((1, 2, 3))).mean())

    assert roughness((2, 2)) < 0.7 * roughness((1, 1))
    assert roughness((1, 2)) < roughness((1, 1))
