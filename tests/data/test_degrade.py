from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from dgno_core.data.config import DegradeConfig
from dgno_core.data.degrader import (
    Degradation,
    degrade,
    jitter_colour,
    jitter_contrast,
    replay,
    replay_recording,
)
from dgno_core.data.patches import SyntheticPairs
from dgno_core.optics.aberrated import Aberrations
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


def record(config: DegradeConfig, seed: int, channels: int = 1) -> Degradation:
    side = 8 + 2 * config.margin
    crop = torch.rand(channels, side, side, generator=generator())
    return degrade(crop, config, generator(seed)).record


def test_width_maps_stay_in_range_and_come_in_both_kinds() -> None:
    jumps = []
    for seed in range(20):
        drawn = record(DegradeConfig(share_sharp=0), seed).widths
        assert drawn is not None
        widths = drawn.at((48, 64))
        assert widths.shape == (48, 64)
        assert widths.min() >= 0
        assert widths.max() <= 8
        jumps.append(len(widths.unique()) <= 16)
    assert any(jumps)
    assert not all(jumps)


def test_without_blur_noise_and_gain_nothing_changes() -> None:
    config = DegradeConfig(share_sharp=1, share_clean=1, gain=(1, 1), offset=(0, 0))
    crop = torch.rand(1, 32 + 2 * MARGIN, 32 + 2 * MARGIN, generator=generator())
    degraded, sharp, _ = degrade(crop, config, generator())
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


def test_colour_jitter_keeps_the_picture_and_changes_the_colours() -> None:
    crop = torch.rand(3, 8, 8, generator=generator())
    assert torch.equal(jitter_colour(crop, record(DegradeConfig(), 1, channels=3)), crop)
    config = DegradeConfig(tint=0.2, share_shuffled=1)
    orders = set()
    for seed in range(20):
        jittered = jitter_colour(crop, record(config, seed, channels=3))
        ratios = jittered[:, None] / crop[None]
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
    degraded, sharp, _ = degrade(crop, config, generator(5))
    assert torch.equal(degraded, sharp)
    assert not torch.allclose(sharp, degrade(crop, plain, generator(5)).sharp)


def test_contrast_keeps_black_white_and_the_order_between() -> None:
    config = DegradeConfig(contrast=(0.7, 1.4))
    ramp = torch.linspace(0, 1, 50).view(1, 1, 50)
    for seed in range(5):
        bent = jitter_contrast(ramp, record(config, seed))
        torch.testing.assert_close(bent[..., [0, -1]], ramp[..., [0, -1]])
        assert (bent.diff() > 0).all()
    assert torch.isfinite(jitter_contrast(torch.full((1, 1, 1), -3.0), record(config, 0))).all()


def test_added_light_is_smooth_and_bounded() -> None:
    config = DegradeConfig(background=0.3)
    lit = jitter_contrast(torch.zeros(1, 64, 64), record(config, 1))
    assert 0 < lit.max() <= 0.45  # a cubic overshoots between its nodes
    assert lit.min() >= 0
    assert max(float(lit.diff(dim=axis).abs().max()) for axis in (1, 2)) < 0.03


def test_aberrated_crops_are_drawn_as_often_as_asked() -> None:
    config = DegradeConfig(share_aberrated=0.5, share_sharp=0, share_clean=1)
    drawn = [record(config, seed).psf for seed in range(200)]
    plain = [psf for psf in drawn if isinstance(psf, str)]
    assert 70 < len(plain) < 130
    assert set(plain) == {"gauss", "disk"}


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


EVERYTHING = DegradeConfig(
    tint=0.2, share_shuffled=0.5, share_aberrated=0.5, contrast=(0.7, 1.4), background=0.3
)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("config", [DegradeConfig(), EVERYTHING])
def test_a_record_in_json_makes_the_same_crop_bit_by_bit(
    config: DegradeConfig, channels: int
) -> None:
    side = 24 + 2 * config.margin
    source = generator(3)
    crop = torch.rand(channels, side, side + 4, generator=generator())
    for _ in range(8):  # one source for all: the noise of each begins where the last one ended
        made = degrade(crop, config, source)
        stored = Degradation.model_validate_json(made.record.model_dump_json())
        assert stored == made.record
        again = replay(stored, crop, config.margin)
        assert torch.equal(again.image, made.image)
        assert torch.equal(again.sharp, made.sharp)


def test_training_draws_what_it_has_always_drawn() -> None:
    drawn = record(EVERYTHING, 4, channels=3)
    assert drawn.tints == pytest.approx((0.884001, 0.802878, 0.815585), abs=1e-5)
    assert (drawn.power, drawn.background) == pytest.approx((1.393122, 0.273934), abs=1e-5)
    assert isinstance(drawn.psf, Aberrations)
    assert drawn.psf.coma == pytest.approx(-0.230723, abs=1e-5)
    assert drawn.widths is not None
    assert drawn.widths.nodes[2] == pytest.approx((5.154730, 6.786253, 7.288432), abs=1e-5)
    assert (drawn.photons, drawn.read_noise) == pytest.approx((4268.870, 0.009032), rel=1e-4)
    # These come after the noise.
    assert (drawn.gain, drawn.offset) == pytest.approx((0.754926, -0.046062), abs=1e-5)


def test_without_surroundings_the_blur_is_exact() -> None:
    sharp = torch.rand(3, 40, 44, generator=generator())
    drawn = record(DegradeConfig(share_sharp=0, share_clean=1, gain=(2, 2), offset=(1, 1)), 2)
    assert drawn.widths is not None
    widths = drawn.widths.at((40, 44)).clamp_min(1e-3).numpy()
    planes = sharp.movedim(0, -1).numpy()
    for psf in ("gauss", "disk"):
        found = replay(drawn.changed(psf=psf), sharp).image.movedim(0, -1).numpy()
        np.testing.assert_allclose(found, 2 * blur_varying(planes, widths, psf) + 1, atol=1e-6)
    with pytest.raises(ValueError, match="margin"):
        replay(drawn.changed(psf=Aberrations(coma=0.1)), sharp)


@pytest.mark.parametrize("shape", [(30, 34), (30, 34, 3)])
def test_a_recording_keeps_its_type_and_its_full_scale(shape: tuple[int, ...]) -> None:
    sharp = np.random.default_rng(0).integers(100, 4000, shape).astype(np.uint16)
    assert (replay_recording(Degradation(), sharp) == sharp).all()
    noisy = replay_recording(Degradation(photons=500, read_noise=0.01, noise=3), sharp)
    assert noisy.dtype == sharp.dtype
    again = replay_recording(Degradation(photons=500, read_noise=0.01, noise=3), sharp)
    np.testing.assert_array_equal(again, noisy)
    light = sharp / sharp.max()
    residual = (noisy - sharp.astype(float)) / sharp.max()
    assert residual.var() == pytest.approx(light.mean() / 500 + 0.01**2, rel=0.15)
    full = np.full(shape, 65535, np.uint16)
    bright = replay_recording(Degradation(photons=20), full)
    assert bright.max() == 65535, "cut off, not wrapped"
    assert np.median(bright) > 50000
