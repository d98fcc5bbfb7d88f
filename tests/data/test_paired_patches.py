from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from dgno_core.data.config import PatchConfig
from dgno_core.data.pairs import ArrayRef, FocusPair, ImageRef, Region
from dgno_core.data.patches import ExtraPatches, PairedPatches
from dgno_core.errors import DGNOError


class Counted:
    """An image that counts how often it is read."""

    def __init__(self, array: np.ndarray, name: str = "counted") -> None:
        self.array, self.name, self.reads = array, name, 0

    def read(self) -> np.ndarray:
        self.reads += 1
        return self.array


def images(number: int, shape: tuple[int, ...] = (60, 80)) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 4000, shape, dtype=np.uint16)


def pairs(shape: tuple[int, ...] = (60, 80)) -> list[FocusPair]:
    """Pairs whose sharp image is the blurred one and 100 more."""
    return [
        FocusPair(f"p{n}", ArrayRef(images(n, shape)), ArrayRef(images(n, shape) + np.uint16(100)))
        for n in range(3)
    ]


def patches(**changes: object) -> PairedPatches:
    config = {name: changes.pop(name) for name in PatchConfig.model_fields if name in changes}
    settings = {"crop": 32, "batch": 4, "seed": 5, **changes}
    return PairedPatches(settings.pop("pairs", None) or pairs(), PatchConfig(**config), **settings)


def test_a_batch_depends_on_seed_and_number_alone() -> None:
    one, other = patches(), patches(memory_gb=1e-12)
    other.batch(0)
    for a, b in zip(one.batch(7), other.batch(7), strict=True):
        assert a.shape == (4, 1, 32, 32)
        assert a.dtype == torch.float32
        assert torch.equal(a, b)
    assert not torch.equal(one.batch(7)[0], one.batch(8)[0])
    assert not torch.equal(one.batch(7)[0], patches(seed=6).batch(7)[0])


def test_both_images_are_cut_turned_and_scaled_alike() -> None:
    source = patches(gain=(0.5, 2.0), offset=(-0.2, 0.2))
    differences = []
    for number in range(8):
        blurred, sharp = source.batch(number)
        difference = (sharp - blurred).flatten(1)
        # 100 counts everywhere, times the range's and the drawn gain.
        assert (difference.amax(1) - difference.amin(1)).max() < 1e-5
        differences.append(difference[:, 0])
    gains = torch.cat(differences) * 4000 / 100
    assert 0.4 < gains.min() < 0.8
    assert 1.3 < gains.max() < 2.1


def test_all_eight_orientations_come() -> None:
    image = images(0, (32, 32)).astype(np.float32)
    source = patches(pairs=[FocusPair("a", ArrayRef(image), ArrayRef(image))], crop=32)
    seen = {tuple(crop.flatten()[:3].tolist()) for n in range(30) for crop in source.batch(n)[0]}
    assert len(seen) == 8
    still = patches(
        pairs=[FocusPair("a", ArrayRef(image), ArrayRef(image))], augment_orientation=False
    )
    assert torch.equal(still.batch(0)[0][0], still.batch(1)[0][3])


def test_the_blurred_percentiles_scale_both_images() -> None:
    blurred = np.linspace(1000, 2000, 60 * 80).reshape(60, 80).astype(np.float32)
    pair = FocusPair("a", ArrayRef(blurred), ArrayRef(2 * blurred))
    low, high = np.percentile(blurred, (1, 99))
    source = patches(pairs=[pair], crop=64, percentiles=(1, 99), augment_orientation=False)
    inputs, targets = source.batch(0)
    first = (inputs[0] * (high - low) + low).numpy()
    second = (targets[0] * (high - low) + low).numpy()
    np.testing.assert_allclose(second, 2 * first, rtol=1e-4)
    assert first.min() >= 999.9


def test_a_stack_has_one_range_of_all_its_planes_whichever_pairs_there_are() -> None:
    dim, bright = images(0) // 4, images(1)
    planes = (ArrayRef(dim), ArrayRef(bright), ArrayRef(images(2) * 2))
    made = [FocusPair(str(z), planes[z], planes[z], stack=planes) for z in range(2)]
    low, high = np.percentile([plane.read() for plane in planes], (0.1, 99.9))
    for source in (patches(pairs=made), patches(pairs=made[:1])):
        blurred, sharp = source.whole(made[0])
        np.testing.assert_allclose(blurred[0], (dim - low) / (high - low), atol=1e-6)
        assert torch.equal(blurred, sharp)
    assert patches(pairs=made[:1]).batch(0)[0].max() < 0.2
    alone = [FocusPair(pair.name, pair.blurred, pair.sharp) for pair in made]
    assert patches(pairs=alone, weights=[1, 0]).batch(0)[0].max() > 0.9


def test_images_that_validate_do_not_fill_the_memory_for_training() -> None:
    source = patches()
    source.whole(FocusPair("held out", ArrayRef(images(7)), ArrayRef(images(8))))
    assert source.cache.used == 0


def test_minmax_scales_each_image_by_itself() -> None:
    image = images(0, (32, 32)).astype(np.float32)
    pair = FocusPair("a", ArrayRef(image), ArrayRef(3 * image + 500))
    for batch in patches(pairs=[pair], normalisation="minmax").batch(0):
        assert float(batch.min()) == 0
        assert float(batch.max()) == 1


def test_the_region_bounds_the_crops_but_not_the_range() -> None:
    image = np.zeros((64, 64), np.float32)
    image[32:] = np.random.default_rng(0).random((32, 64)) + 5
    pair = FocusPair("a", ArrayRef(image), ArrayRef(image), region=Region(bottom=32))
    source = patches(pairs=[pair])
    assert all(float(source.batch(n)[0].abs().max()) == 0 for n in range(10))


def test_small_images_are_reflected() -> None:
    made = pairs((20, 70))
    blurred, sharp = patches(pairs=made, augment_orientation=False).batch(0)
    assert blurred.shape == sharp.shape == (4, 1, 32, 32)
    torch.testing.assert_close(blurred[..., 20:, :], blurred[..., 8:20, :].flip(-2))


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_fit_each_other_where_they_can(channels: int) -> None:
    grey, colour = images(0), images(1, (60, 80, 3))
    equal = np.stack([grey] * 3, -1)
    same = [FocusPair("a", ArrayRef(equal), ArrayRef(equal))]
    assert patches(pairs=same, channels=channels).batch(0)[0].shape == (4, channels, 32, 32)
    real = [FocusPair("a", ArrayRef(colour, "stained"), ArrayRef(colour))]
    if channels == 3:
        assert patches(pairs=real, channels=3).batch(0)[0].shape == (4, 3, 32, 32)
    else:
        with pytest.raises(DGNOError, match="stained is a colour image"):
            patches(pairs=real).batch(0)


def test_memory_is_bounded_and_shared_targets_are_read_once() -> None:
    target = Counted(images(9))
    inputs = [Counted(images(n)) for n in range(4)]
    made = [FocusPair(str(n), image, target) for n, image in enumerate(inputs)]
    roomy = patches(pairs=made)
    for number in range(10):
        roomy.batch(number)
    assert target.reads == 1
    assert all(image.reads == 1 for image in inputs)
    one = images(0).nbytes
    tight = patches(pairs=made, memory_gb=(2 * one + 10) / 2**30)
    for number in range(10):
        tight.batch(number)
    assert tight.cache.used <= 2 * one + 10
    assert sum(image.reads for image in inputs) > 10
    assert torch.equal(tight.batch(3)[0], roomy.batch(3)[0])


def test_a_file_that_breaks_in_the_middle_is_named(tmp_path: Path) -> None:
    made = []
    for n in range(3):
        tifffile.imwrite(tmp_path / f"{n}.tif", images(n))
        ref = ImageRef(tmp_path / f"{n}.tif")
        made.append(FocusPair(str(n), ref, ref))
    source = patches(pairs=made, memory_gb=1e-12)
    source.batch(0)
    broken = tmp_path / "1.tif"
    broken.write_bytes(broken.read_bytes()[:3000])
    with pytest.raises(DGNOError, match=r"1\.tif"):
        _ = [source.batch(number) for number in range(20)]


@pytest.mark.parametrize("normalisation", ["shared", "minmax"])
def test_constant_images_are_refused_by_name(normalisation: str) -> None:
    flat = ArrayRef(np.full((40, 40), 7, np.uint8), "flat layer")
    source = patches(pairs=[FocusPair("flat layer", flat, flat)], normalisation=normalisation)
    with pytest.raises(DGNOError, match=r"flat layer.*one intensity only"):
        source.batch(0)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(DGNOError, match="no pairs"):
        PairedPatches([], crop=32, batch=2, seed=0)
    with pytest.raises(DGNOError, match="lonely has no sharp image"):
        patches(pairs=[FocusPair("lonely", ArrayRef(images(0)), None)])
    for weights in ([1.0], [0.0, 0.0, 0.0], [1.0, -1.0, 1.0]):
        with pytest.raises(DGNOError, match="weight"):
            patches(weights=weights)


def test_extra_data_give_the_same_crops_without_targets() -> None:
    settings = {"crop": 32, "batch": 4, "seed": 5}
    target = Counted(images(0))
    extra = ExtraPatches([FocusPair("a", ArrayRef(images(0)), target)], **settings)
    labelled = PairedPatches([FocusPair("a", ArrayRef(images(0)), target)], **settings)
    batch = extra.batch(3)
    assert target.reads == 0
    assert torch.equal(batch, labelled.batch(3)[0])
