"""What the numbers of a TIFF mean: the image that is read looks like the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from dgno_core.errors import DGNOError
from dgno_core.io import ImageSource, read_image, write_image


def pixels(source: ImageSource) -> np.ndarray:
    return source.read((slice(None),) * len(source.shape))


@pytest.fixture
def indices() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 24)).astype(np.uint8)


@pytest.fixture
def palette() -> np.ndarray:
    """Return 256 colours in no order, (256, 3)."""
    return np.random.default_rng(1).integers(0, 256, (256, 3)).astype(np.uint8)


def write(path: Path, indices: np.ndarray, palette: np.ndarray, **options: Any) -> None:
    colormap = palette.T.astype(np.uint16) * 257
    tifffile.imwrite(path, indices, photometric="palette", colormap=colormap, **options)


@pytest.mark.parametrize("writer", ["tifffile", "pillow", "8-bit palette"])
def test_a_palette_of_colours_becomes_what_it_looks_like(
    tmp_path: Path, indices: np.ndarray, palette: np.ndarray, writer: str
) -> None:
    path = tmp_path / "a.tif"
    if writer == "tifffile":
        write(path, indices, palette)
    elif writer == "pillow":
        picture = Image.fromarray(indices)
        picture.putpalette(palette.tobytes())
        picture.save(path)
    else:
        tifffile.imwrite(path, indices, photometric="palette", colormap=palette.T.astype(np.uint16))
    source = read_image(path)
    assert (source.axes, source.shape, source.dtype) == ("YXS", (20, 24, 3), np.uint8)
    np.testing.assert_array_equal(pixels(source), palette[indices])
    if writer != "8-bit palette":  # which Pillow does not know
        np.testing.assert_array_equal(pixels(source), np.asarray(Image.open(path).convert("RGB")))
    assert "palette of colours" in source.warnings[0]


def test_planes_with_a_palette_are_read_one_by_one(tmp_path: Path, palette: np.ndarray) -> None:
    stack = np.random.default_rng(0).integers(0, 256, (3, 20, 24)).astype(np.uint8)
    write(tmp_path / "a.tif", stack, palette)
    source = read_image(tmp_path / "a.tif", "ZYX")  # the axis of colours may be left out
    assert source.axes == "ZYXS"
    plane = source.read((1, slice(None), slice(None), slice(None)))
    np.testing.assert_array_equal(plane, palette[stack[1]])
    assert read_image(tmp_path / "a.tif", "TYXS").axes == "TYXS"


def test_a_palette_of_greys_becomes_grey(tmp_path: Path, indices: np.ndarray) -> None:
    greys = np.random.default_rng(2).permutation(256).astype(np.uint8)
    write(tmp_path / "a.tif", indices, np.repeat(greys[:, None], 3, axis=1))
    source = read_image(tmp_path / "a.tif")
    assert (source.axes, source.dtype, source.warnings) == ("YX", np.uint8, ())
    np.testing.assert_array_equal(pixels(source), greys[indices])


def test_a_palette_from_black_to_one_colour_is_only_how_intensities_are_shown(
    tmp_path: Path, indices: np.ndarray
) -> None:
    """So ImageJ stores a grey image with the lookup table *Green*."""
    ramp = np.arange(256)[:, None] * np.array([0, 255, 0]) // 255
    write(tmp_path / "a.tif", indices, ramp.astype(np.uint8))
    source = read_image(tmp_path / "a.tif")
    assert source.axes == "YX"
    np.testing.assert_array_equal(pixels(source), indices)
    assert source.metadata.channels[0].colour == "00FF00"


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "i2"])
def test_what_counts_from_white_to_black_is_turned(tmp_path: Path, dtype: str) -> None:
    limits = np.iinfo(dtype)
    stack = np.random.default_rng(0).integers(limits.min, limits.max, (3, 20, 24)).astype(dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack, photometric="miniswhite")
    source = read_image(path)
    shown = limits.max - stack.astype(int) + limits.min
    np.testing.assert_array_equal(pixels(source), shown)
    np.testing.assert_array_equal(source.read((1, slice(None), slice(None))), shown[1])
    assert "from white to black" in source.warnings[0]
    # What is written looks like what was read.
    write_image(tmp_path / "b.tif", source)
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        assert tiff.pages[0].photometric == tifffile.PHOTOMETRIC.MINISBLACK
        np.testing.assert_array_equal(tiff.asarray(), shown)


def test_a_folder_of_planes_is_turned_as_well(tmp_path: Path, palette: np.ndarray) -> None:
    stack = np.random.default_rng(0).integers(0, 256, (3, 20, 24)).astype(np.uint8)
    for kind in ("white", "palette"):
        (tmp_path / kind).mkdir()
        for z, plane in enumerate(stack):
            if kind == "white":
                tifffile.imwrite(tmp_path / kind / f"{z}.tif", plane, photometric="miniswhite")
            else:
                write(tmp_path / kind / f"{z}.tif", plane, palette)
    np.testing.assert_array_equal(pixels(read_image(tmp_path / "white")), 255 - stack)
    source = read_image(tmp_path / "palette")
    assert source.axes == "ZYXS"
    np.testing.assert_array_equal(pixels(source), palette[stack])


def test_ordinary_files_are_as_they_were(tmp_path: Path, indices: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", indices)
    grey = np.arange(256, dtype=np.uint8)
    write(tmp_path / "b.tif", indices, np.repeat(grey[:, None], 3, axis=1))
    for name in ("a.tif", "b.tif"):
        source = read_image(tmp_path / name)
        assert source.warnings == ()
        np.testing.assert_array_equal(pixels(source), indices)


def test_colours_for_printing_are_refused(tmp_path: Path) -> None:
    image = np.zeros((20, 24, 4), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="separated")
    with pytest.raises(DGNOError, match=r"a\.tif has its colours as CMYK; save it as RGB"):
        read_image(tmp_path / "a.tif")


def test_a_palette_that_is_missing_is_a_clear_error(
    indices: np.ndarray, palette: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "lost.tif"
    colours = (palette.T.astype(np.uint16)) * 257
    tifffile.imwrite(path, indices, photometric="palette", colormap=colours)
    assert read_image(path).shape == (20, 24, 3)
    # The tag of the palette, 320, with 3 for the type of its numbers: as another tag, unknown.
    content = path.read_bytes()
    assert content.count(b"\x40\x01\x03\x00") == 1
    path.write_bytes(content.replace(b"\x40\x01\x03\x00", b"\x41\x01\x03\x00"))
    with pytest.raises(DGNOError, match=r"lost\.tif holds the places .* but no palette"):
        read_image(path)
