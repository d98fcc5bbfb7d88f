from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, rotate

from dgno_core.data.pairs import ArrayRef
from dgno_core.data.registration import (
    RegisteredRef,
    estimate_registration,
    estimate_stack_registration,
    register,
)
from dgno_core.data.stack_planes import stack_planes
from dgno_core.data.transform import Registration, Transform
from dgno_core.errors import DGNOError

SHAPE = (200, 224)


def scene(transform: Transform, shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    """Soft-edged discs, seen through a transform: computed anew, never resampled."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    places = np.stack([y - (shape[0] - 1) / 2, x - (shape[1] - 1) / 2])
    image = np.zeros(shape)
    for _ in range(120):
        centre = rng.uniform(-0.75, 0.75, 2) * SHAPE
        radius, height = rng.uniform(2.5, 9), rng.uniform(20, 60)
        cy, cx = transform.matrix @ centre + transform.shift
        away = np.hypot(places[0] - cy, places[1] - cx) / transform.magnification
        image += height / (1 + np.exp(np.clip((away - radius) / 0.6, -50, 50)))
    return image


def camera(image: np.ndarray, seed: int) -> np.ndarray:
    return image + 1.5 * np.random.default_rng(seed).standard_normal(image.shape)


def misplaced(found: Transform, truth: Transform) -> float:
    """Root mean square, in pixels, by which two transforms differ over the field."""
    points = np.stack(np.meshgrid(np.linspace(-100, 100, 9), np.linspace(-112, 112, 9)), -1)
    there = [points @ t.matrix.T + t.shift for t in (found, truth)]
    return float(np.sqrt(((there[0] - there[1]) ** 2).sum(-1).mean()))


@pytest.mark.parametrize("blur", [0.0, 2.0, 4.0])
@pytest.mark.parametrize(
    "truth",
    [
        Transform(),
        Transform((3.3, -4.7), 1.013, 0.25),
        Transform((-11.2, 7.1), 0.957),
        Transform((0.4, 0.6), 1.047, -0.4),
    ],
)
def test_known_transforms_are_found_under_blur(truth: Transform, blur: float) -> None:
    fixed, moving = camera(scene(Transform()), 1), camera(gaussian_filter(scene(truth), blur), 2)
    found = estimate_registration(moving, fixed)
    assert found.ok, found.problem
    assert np.hypot(*np.subtract(found.shift, truth.shift)) < 0.1
    assert found.magnification == pytest.approx(truth.magnification, rel=5e-4)
    assert found.rotation == pytest.approx(truth.rotation, abs=0.05)
    assert misplaced(found.transform, truth) < 4 * found.uncertainty + 0.02


def test_it_does_not_matter_which_image_is_the_blurred_one() -> None:
    truth = Transform((2.5, -1.5), 1.02)
    sharp, blurred = camera(scene(Transform()), 1), camera(gaussian_filter(scene(truth), 3), 2)
    back = estimate_registration(sharp, blurred)
    assert back.ok
    assert misplaced(back.transform, truth.inverse()) < 0.15


def test_images_of_unequal_size_gain_and_offset_are_registered() -> None:
    truth = Transform((-3.2, 5.4), 0.98)
    moving = camera(gaussian_filter(scene(truth, (180, 231)), 2), 2)
    found = estimate_registration(0.4 * moving + 500, camera(scene(Transform()), 1))
    assert found.ok
    assert misplaced(found.transform, truth) < 0.1


def test_registered_images_agree_where_they_are_valid() -> None:
    truth = Transform((6.5, -4.25), 1.03)
    fixed, moving = scene(Transform()), scene(truth)
    result = register(moving.astype(np.float32), fixed)
    before = np.abs(moving - fixed)[result.region.index].mean()
    after = np.abs(result.image - fixed)[result.region.index].mean()
    assert result.image.dtype == np.float32
    assert after < 0.02 * before
    assert result.valid.sum() == result.region.area(SHAPE)
    assert result.valid[result.region.index].all()
    assert 0.85 < result.valid.mean() < 1


def test_integers_stay_what_they_are_and_do_not_wrap() -> None:
    moving = np.clip(scene(Transform((0.5, 0.5))) * 4, 0, 255).astype(np.uint8)
    warped = Transform((0.5, 0.5)).warp(np.stack([moving] * 3, -1), SHAPE)
    assert warped.dtype == np.uint8
    assert warped.shape == (*SHAPE, 3)
    near = gaussian_filter(moving.astype(float), 1)
    assert np.abs(warped[..., 0] - near)[2:-2, 2:-2].max() < 128


transforms = st.builds(
    Transform,
    st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
    st.floats(0.8, 1.25),
    st.floats(-5, 5),
)


@given(first=transforms, second=transforms)
def test_transforms_compose_and_invert(first: Transform, second: Transform) -> None:
    point = np.array([13.0, -41.0])

    def move(transform: Transform, at: np.ndarray) -> np.ndarray:
        return transform.matrix @ at + transform.shift

    np.testing.assert_allclose(
        move(first.then(second), point), move(second, move(first, point)), atol=1e-9
    )
    np.testing.assert_allclose(move(first.then(first.inverse()), point), point, atol=1e-9)


@settings(max_examples=60)
@given(transform=transforms)
def test_the_region_holds_only_what_the_moving_image_covers(transform: Transform) -> None:
    moving, fixed = (60, 70), (66, 58)
    region = transform.region(moving, fixed, margin=0)
    origin = np.array(transform.origin(moving, fixed))
    top, left = region.top, region.left
    assert region.bottom is not None
    assert region.right is not None
    if top < region.bottom and left < region.right:
        corners = [(y, x) for y in (top, region.bottom - 1) for x in (left, region.right - 1)]
        there = np.array(corners) @ transform.matrix.T + origin
        assert (there >= -1e-9).all()
        assert (there <= np.array(moving) - 1 + 1e-9).all()


def test_registering_an_image_to_itself_changes_nothing() -> None:
    image = camera(scene(Transform()), 1)
    found = estimate_registration(image, image)
    assert found.ok
    assert misplaced(found.transform, Transform()) < 1e-3


def test_other_places_are_not_registered() -> None:
    found = estimate_registration(
        camera(scene(Transform(), seed=1), 1), camera(scene(Transform(), seed=2), 2)
    )
    assert not found.ok
    assert found.problem
    assert found.problem.endswith(".")


def test_noise_and_constant_images_are_not_registered() -> None:
    rng = np.random.default_rng(0)
    noise = estimate_registration(rng.normal(size=SHAPE), rng.normal(size=SHAPE))
    constant = estimate_registration(np.ones(SHAPE), scene(Transform()))
    assert not noise.ok
    assert not constant.ok
    assert constant.problem
    assert "constant" in constant.problem


def test_a_specimen_that_moved_in_itself_is_not_registered() -> None:
    image = scene(Transform())
    moved = image.copy()
    moved[:, 112:] = np.roll(image, 6, axis=0)[:, 112:]
    found = estimate_registration(camera(moved, 1), camera(image, 2))
    assert not found.ok
    assert found.problem
    assert "moved" in found.problem


def test_a_large_turn_is_not_taken_for_something_else() -> None:
    image = scene(Transform())
    found = estimate_registration(rotate(image, 25, reshape=False, mode="mirror"), image)
    assert not found.ok


def test_too_small_or_broken_images_are_refused() -> None:
    for image in (np.ones((40, 200)), np.ones(300), np.full(SHAPE, np.nan)):
        with pytest.raises(DGNOError):
            estimate_registration(image, scene(Transform()))


def test_large_images_are_reduced_without_losing_accuracy() -> None:
    # 1100 px wide, so that it is compared at half its size.
    truth = Transform((3.5, -2.25), 1.01)
    shape = (150, 1100)
    rng = np.random.default_rng(0)
    spots = rng.uniform(-0.55, 0.55, (400, 2)) * shape
    y, x = np.mgrid[: shape[0], : shape[1]]

    def seen(transform: Transform) -> np.ndarray:
        image = np.zeros(shape)
        for at in spots:
            cy, cx = transform.matrix @ at + transform.shift + (np.array(shape) - 1) / 2
            rows = slice(max(0, int(cy) - 30), max(0, int(cy) + 30))
            cols = slice(max(0, int(cx) - 30), max(0, int(cx) + 30))
            away = (y[rows, cols] - cy) ** 2 + (x[rows, cols] - cx) ** 2
            image[rows, cols] += np.exp(-away / 2 / 4.0**2)
        return image

    found = estimate_registration(seen(truth), seen(Transform()))
    assert found.ok
    assert found.shift == pytest.approx(truth.shift, abs=0.1)
    assert found.magnification == pytest.approx(truth.magnification, rel=5e-4)


def growing_stack() -> list[ArrayRef]:
    return [
        ArrayRef(camera(gaussian_filter(scene(Transform((z, -z), 1 + 0.005 * z)), 2 * z), z))
        for z in range(3)
    ]


def test_the_needed_planes_of_a_stack_are_registered() -> None:
    planes = growing_stack()
    found = estimate_stack_registration(planes, 0, needed=[0, 2])
    assert list(found) == [0, 2]
    assert found[0].transform == Transform()
    assert misplaced(found[2].transform, Transform((2, -2), 1.01)) < 0.15
    assert RegisteredRef(planes[2], found[2].transform, SHAPE).read().shape == SHAPE


def test_a_plane_too_far_out_of_focus_is_registered_over_its_neighbour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planes = growing_stack()

    def short_sighted(moving: np.ndarray, fixed: np.ndarray) -> Registration:
        found = estimate_registration(moving, fixed)
        far = moving is planes[2].array and fixed is planes[0].array
        return replace(found, transform=Transform((50, 50)), problem="Far.") if far else found

    monkeypatch.setattr("dgno_core.data.registration.estimate_registration", short_sighted)
    found = estimate_stack_registration(planes, 0)
    assert found[2].ok
    assert misplaced(found[2].transform, Transform((2, -2), 1.01)) < 0.15
    assert found[2].uncertainty > found[1].uncertainty


@pytest.fixture(scope="module")
def smear(shared_data: Path) -> dict[int, np.ndarray]:
    planes = stack_planes(shared_data / "sharpness-smear-stack")
    return {z: planes[9 + z].read() for z in (-6, -4, -2, -1, 0, 1, 2, 4, 6)}


@pytest.mark.slow
def test_the_real_smear_grows_by_half_a_percent_a_plane(smear: dict[int, np.ndarray]) -> None:
    found = {z: estimate_registration(plane, smear[0]) for z, plane in smear.items()}
    assert all(one.ok for one in found.values())
    depths = np.array(list(found))
    sizes = np.array([one.magnification for one in found.values()])
    assert (np.diff(sizes) > 0).all()
    slope, middle = np.polyfit(depths, sizes, 1)
    assert slope == pytest.approx(0.0048, abs=0.0004)
    assert np.abs(sizes - middle - slope * depths).max() < 0.002
    # Between planes 0 and 1, somebody touched the camera.
    turns = {z: one.rotation for z, one in found.items()}
    assert all(abs(turns[z]) < 0.04 for z in (-6, -4, -2, -1))
    assert all(turns[z] == pytest.approx(-0.2, abs=0.03) for z in (1, 2, 4, 6))
    assert max(found[z].residual for z in (-2, -1, 1, 2)) < 0.15

    def psnr(image: np.ndarray, index: tuple[slice, slice]) -> float:
        sharp = smear[0][index].astype(float)
        error = ((image[index] - sharp) ** 2).mean()
        return float(10 * np.log10(np.ptp(sharp) ** 2 / error))

    for z in (-4, -2, -1, 1, 2, 4):
        result = register(smear[z], smear[0], found[z])
        common = result.region & Transform().region(smear[z].shape, smear[0].shape)
        plain = Transform().warp(smear[z], smear[0].shape)
        gain = psnr(result.image, common.index) - psnr(plain, common.index)
        assert gain > 1.5, (z, gain)
