from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter

from dgno_core.data.pairs import ArrayRef, half, restrict
from dgno_core.data.stack_planes import array_planes, chosen_planes, stack_planes
from dgno_core.errors import DGNOError
from dgno_core.focus.pairs import Target, stack_pairs


def field(seed: int = 0, shape: tuple[int, int] = (128, 144)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    texture = gaussian_filter(rng.standard_normal(shape), 1.2)
    return 6000 + 4000 * texture


def focal_stack(best: int = 3, planes: int = 7, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed + 50)
    image = field(seed)
    blurred = np.array([gaussian_filter(image, 0.8 * abs(z - best)) for z in range(planes)])
    return np.rint(blurred + 5 * rng.standard_normal(blurred.shape)).astype(np.uint16)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, [0, 1, 2, 4, 5, 6]),
        ({"planes": [0, 2, 6, 2]}, [0, 2, 6]),
        ({"offsets": [-5, -2, 0, 3]}, [1, 6]),
        ({"within": (2, 3)}, [0, 1, 5, 6]),
    ],
)
def test_blurred_planes_are_chosen(choice: dict[str, Sequence[int]], expected: list[int]) -> None:
    assert chosen_planes(7, 3, **choice) == expected


@pytest.mark.parametrize(
    "choice", [{"planes": [7]}, {"planes": [3]}, {"offsets": [9]}, {"planes": [1], "offsets": [1]}]
)
def test_impossible_choices_are_refused(choice: dict[str, Sequence[int]]) -> None:
    with pytest.raises(DGNOError):
        chosen_planes(7, 3, **choice)


def test_a_stack_without_drift_keeps_its_pixels() -> None:
    stack = focal_stack()
    made = stack_pairs(array_planes(stack, "mine"), "mine", planes=[1, 5])
    assert made.best.index == 3
    assert made.warnings == []
    assert [pair.name for pair in made.pairs] == ["mine, z 1 to 3", "mine, z 5 to 3"]
    for pair, z in zip(made.pairs, (1, 5), strict=True):
        blurred, sharp = pair.read()
        np.testing.assert_array_equal(blurred, stack[z])
        np.testing.assert_array_equal(sharp, stack[3])
        np.testing.assert_array_equal([plane.read() for plane in pair.stack or ()], stack)


def test_a_shifted_plane_is_put_back_and_the_sharp_one_left_alone() -> None:
    stack = focal_stack()
    shifted = stack.copy()
    shifted[1] = np.roll(stack[1], (4, -3), (0, 1))
    (pair,) = stack_pairs(array_planes(shifted), "a", planes=[1]).pairs
    blurred, sharp = pair.read()
    assert pair.region is not None
    np.testing.assert_array_equal(sharp, stack[3][pair.region.index])
    error = np.abs(blurred.astype(float) - stack[1][pair.region.index])
    assert np.median(error) < 0.05 * stack[1].std()
    assert blurred.dtype == np.uint16


def test_a_plane_of_another_place_is_left_out_with_a_warning() -> None:
    stack = focal_stack()
    stack[1] = focal_stack(seed=9)[1]
    made = stack_pairs(array_planes(stack), "a", planes=[1, 5])
    assert [pair.name for pair in made.pairs] == ["a, z 5 to 3"]
    (warning,) = made.warnings
    assert warning.startswith("a, plane 1 is left out: ")
    with pytest.raises(DGNOError, match="None of the blurred planes of a"):
        stack_pairs(array_planes(stack), "a", planes=[1])


def test_each_tile_of_a_tilted_specimen_gets_its_own_plane() -> None:
    stack = np.concatenate([focal_stack(2), focal_stack(5, seed=1)], axis=2)
    made = stack_pairs(array_planes(stack), "t", sharp="local", planes=[0], tile=64)
    assert made.pairs
    for pair in made.pairs:
        assert pair.region is not None
        assert pair.region.right is not None
        sharp = pair.read()[1]
        best = 2 if pair.region.right <= 144 else 5 if pair.region.left >= 144 else None
        if best is not None:
            np.testing.assert_array_equal(sharp, stack[best][pair.region.index])


def test_a_composite_is_sharp_on_both_sides_and_keeps_the_type() -> None:
    stack = np.concatenate([focal_stack(2), focal_stack(5, seed=1)], axis=2)
    made = stack_pairs(array_planes(stack), "t", sharp="composite", planes=[0], tile=48)
    (pair,) = made.pairs
    assert pair.sharp is not None
    target = pair.sharp.read()
    assert target.dtype == np.uint16
    np.testing.assert_array_equal(target[:, :110], stack[2][:, :110])
    np.testing.assert_array_equal(target[:, 180:], stack[5][:, 180:])


def test_a_chosen_target_is_kept_and_a_doubtful_one_is_told() -> None:
    stack = array_planes(focal_stack())
    assert stack_pairs(stack, "a", sharp=2, planes=[0]).pairs[0].name == "a, z 0 to 2"
    made = stack_pairs(stack[3:], "a", planes=[2])
    assert made.warnings
    assert "first of the stack" in made.warnings[0]


@pytest.mark.parametrize("sharp", ["best", "local", "composite"])
def test_one_plane_or_none_makes_no_pair(sharp: Target) -> None:
    one = array_planes(focal_stack()[:1])
    with pytest.raises(DGNOError):
        stack_pairs(one, "a", sharp=sharp)
    with pytest.raises(DGNOError):
        stack_pairs([], "a", sharp=sharp)


def test_a_constant_stack_makes_no_pair() -> None:
    flat = array_planes(np.full((4, 64, 64), 7, np.uint8))
    with pytest.raises(DGNOError, match="one intensity only"):
        stack_pairs(flat, "a")


def test_planes_of_unequal_size_must_be_registered() -> None:
    stack = focal_stack()
    planes = [ArrayRef(plane[z:], f"p{z}") for z, plane in enumerate(stack)]
    with pytest.raises(DGNOError, match="unequal size must be registered"):
        stack_pairs(planes, "a", registered=False)
    made = stack_pairs(planes, "a", planes=[1, 5])
    assert all(pair.read()[0].shape == pair.read()[1].shape for pair in made.pairs)


def test_halves_of_registered_pairs_stay_within_what_is_valid() -> None:
    shifted = focal_stack()
    shifted[1] = np.roll(shifted[1], 4, 0)
    pairs = stack_pairs(array_planes(shifted), "a", planes=[1]).pairs
    whole = pairs[0].region
    assert whole is not None
    top, bottom = (restrict(pairs, half((128, 144), which, 8))[0] for which in ("top", "bottom"))
    assert top.region is not None
    assert bottom.region is not None
    assert whole.area((128, 144)) - top.region.area((128, 144)) > 0
    assert (top.region & bottom.region).area((128, 144)) == 0
    assert top.region & whole == top.region


def test_stacks_are_listed_from_files_and_folders(tmp_path: Path) -> None:
    stack = focal_stack()
    file = tmp_path / "stack.tif"
    tifffile.imwrite(file, stack, imagej=True, metadata={"axes": "ZYX"})
    folder = tmp_path / "folder"
    folder.mkdir()
    for z in (-1, 0, 2, 10):
        Image.fromarray(np.full((20, 20 + z), 100, np.uint8)).save(folder / f"{z}.png")
    planes = stack_planes(file)
    assert len(planes) == 7
    np.testing.assert_array_equal(planes[4].read(), stack[4])
    names = [plane.name for plane in stack_planes(folder)]
    assert names == ["-1.png", "0.png", "2.png", "10.png"]
    single = tmp_path / "single.tif"
    tifffile.imwrite(single, stack[0])
    assert [plane.read().shape for plane in stack_planes(single)] == [(128, 144)]
    empty = tmp_path / "empty"
    empty.mkdir()
    for wrong in (empty, tmp_path / "lost.tif"):
        with pytest.raises(DGNOError, match=wrong.name):
            stack_planes(wrong)
    with pytest.raises(DGNOError, match="layer"):
        array_planes(stack[0], "layer")


@pytest.mark.slow
def test_the_real_smear_gives_aligned_pairs(shared_data: Path) -> None:
    planes = stack_planes(shared_data / "sharpness-smear-stack")
    made = stack_pairs(planes, "smear", offsets=[-4, -2, 2, 4])
    assert made.warnings == []
    assert len(made.pairs) == 4
    for pair in made.pairs:
        blurred, sharp = pair.read()
        assert sharp is not None
        assert min(blurred.shape) > 290
        both = np.stack([blurred.ravel(), sharp.ravel()]).astype(float)
        assert np.corrcoef(both)[0, 1] > 0.9
