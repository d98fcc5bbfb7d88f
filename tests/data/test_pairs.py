from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from imagecodecs import png_encode
from PIL import Image

from dgno_core.data.pairs import ArrayRef, FocusPair, ImageRef, Region, half, restrict
from dgno_core.errors import DGNOError


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4000, (5, 40, 50), dtype=np.uint16)


def test_a_plane_of_a_stack_is_read_as_it_is(tmp_path: Path, stack: np.ndarray) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX"})
    pixels = ImageRef(path, 3).read()
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, stack[3])


def test_channel_and_time_are_told_apart(tmp_path: Path) -> None:
    data = np.arange(2 * 3 * 2 * 20 * 30, dtype=np.uint16).reshape(2, 3, 2, 20, 30)
    path = tmp_path / "hyper.tif"
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "TZCYX"})
    ref = ImageRef(path, plane=2, channel=1, time=1)
    np.testing.assert_array_equal(ref.read(), data[1, 2, 1])
    assert ref.name == "hyper.tif, z 2, channel 1, time 1"
    with pytest.raises(DGNOError, match=r"hyper\.tif holds 2 planes along T"):
        ImageRef(path, plane=2, channel=1).read()


@pytest.mark.parametrize(("mode", "shape"), [("L", (20, 30)), ("RGB", (20, 30, 3))])
def test_pictures_keep_their_colours(tmp_path: Path, mode: str, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels, mode).save(path)
    np.testing.assert_array_equal(ImageRef(path).read(), pixels)


def test_deep_colour_pngs_keep_their_depth(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    path = tmp_path / "deep.png"
    path.write_bytes(png_encode(pixels))
    np.testing.assert_array_equal(ImageRef(path).read(), pixels)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DGNOError, match=r"deep\.png"):
        ImageRef(path).read()


def test_an_opacity_is_no_colour(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    Image.fromarray(pixels, "RGBA").save(tmp_path / "a.png")
    np.testing.assert_array_equal(ImageRef(tmp_path / "a.png").read(), pixels[..., :3])
    np.testing.assert_array_equal(ArrayRef(pixels).read(), pixels[..., :3])


def test_faulty_files_are_named(tmp_path: Path, stack: np.ndarray) -> None:
    whole = tmp_path / "whole.tif"
    tifffile.imwrite(whole, stack, imagej=True, metadata={"axes": "ZYX"})
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    nan = tmp_path / "nan.tif"
    tifffile.imwrite(nan, np.where(np.eye(30) > 0, np.nan, 1.0).astype(np.float32))
    mask = tmp_path / "mask.tif"
    tifffile.imwrite(mask, np.eye(30) > 0)
    empty = tmp_path / "empty.tif"
    empty.touch()
    refs = [ImageRef(path) for path in (cut, nan, mask, empty, tmp_path / "lost.tif")]
    for ref in [*refs, ImageRef(whole), ImageRef(whole, 5), ImageRef(whole, -1)]:
        with pytest.raises(DGNOError, match=ref.path.name.replace(".", r"\.")):
            ref.read()
    with pytest.raises(DGNOError, match="one plane along C"):
        ImageRef(whole, 0, channel=1).read()


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 4, 5)), np.zeros(5), np.full((4, 4), np.inf), np.zeros((0, 4)), np.eye(4) > 0],
)
def test_arrays_that_are_no_images_are_refused_by_name(array: np.ndarray) -> None:
    with pytest.raises(DGNOError, match="my layer"):
        ArrayRef(array, "my layer").read()


def test_a_failing_lazy_array_is_named() -> None:
    import dask.array as da

    def broken(block: np.ndarray) -> np.ndarray:
        raise RuntimeError("gone")

    lazy = da.zeros((8, 8)).map_blocks(broken, dtype=float, meta=np.zeros((0, 0)))
    with pytest.raises(DGNOError, match="my layer"):
        ArrayRef(lazy, "my layer").read()


def test_both_images_of_a_pair_are_cut_to_the_region(stack: np.ndarray) -> None:
    region = Region(top=5, bottom=25, left=10)
    pair = FocusPair("a", ArrayRef(stack[0]), ArrayRef(stack[1]), region=region)
    blurred, sharp = pair.read()
    np.testing.assert_array_equal(blurred, stack[0, 5:25, 10:])
    np.testing.assert_array_equal(sharp, stack[1, 5:25, 10:])
    assert region.area((40, 50)) == blurred.size


def test_extra_data_have_no_sharp_image(stack: np.ndarray) -> None:
    assert FocusPair("a", ArrayRef(stack[0]), None).read()[1] is None


def test_unequal_images_and_empty_regions_are_refused(stack: np.ndarray) -> None:
    unequal = FocusPair("mine", ArrayRef(stack[0], "one"), ArrayRef(stack[1, 1:], "other"))
    with pytest.raises(DGNOError, match=r"mine.*one is 40 x 50.*other is 39 x 50"):
        unequal.read()
    empty = FocusPair("mine", ArrayRef(stack[0]), None, region=Region(top=40))
    with pytest.raises(DGNOError, match="mine"):
        empty.read()


def test_halves_share_no_pixel_and_leave_the_gap() -> None:
    shape, seen = (41, 30), np.zeros((41, 30), int)
    top, bottom = half(shape, "top", gap=6), half(shape, "bottom", gap=6)
    for region in (top, bottom):
        seen[region.index] += 1
    assert seen.max() == 1
    assert (seen == 0).sum() == 6 * 30
    assert seen[0].all()
    assert seen[-1].all()
    assert (top & bottom).area(shape) == 0


def test_restricting_twice_keeps_what_both_allow(stack: np.ndarray) -> None:
    pairs = [FocusPair("a", ArrayRef(stack[0]), None, region=Region(3, 30, 4, None))]
    cut = restrict(pairs, half((40, 50), "bottom"), split="test")
    assert cut[0].region == Region(20, 30, 4, None)
    assert cut[0].split == "test"
    assert pairs[0].split == "train"
