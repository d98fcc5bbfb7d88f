from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dgno_core.errors import DGNOError
from dgno_core.io import read_image
from dgno_core.io.pictures import read_header, read_pixels


def save(path: Path, pixels: np.ndarray, **options: object) -> np.ndarray:
    Image.fromarray(pixels).save(path, **options)
    return pixels


@pytest.fixture
def grey() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (20, 30)).astype(np.uint8)


@pytest.fixture
def colour() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".PNG"])
def test_lossless_pictures(
    tmp_path: Path, suffix: str, grey: np.ndarray, colour: np.ndarray
) -> None:
    for pixels, axes in ((grey, "YX"), (colour, "YXS")):
        path = tmp_path / f"a{suffix}"
        save(path, pixels)
        source = read_image(path)
        assert source.axes == axes
        np.testing.assert_array_equal(source.data[...], pixels)


def test_16_bits_stay_16_bits(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65535, (20, 30)).astype(np.uint16)
    save(tmp_path / "a.png", pixels)
    source = read_image(tmp_path / "a.png")
    assert source.dtype == np.uint16
    np.testing.assert_array_equal(source.data[...], pixels)


def test_opacity_is_kept(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 4)).astype(np.uint8)
    save(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").data[...], pixels)


def test_a_palette_of_greys_is_grey_and_one_of_colours_is_colour(
    tmp_path: Path, grey: np.ndarray
) -> None:
    picture = Image.fromarray(grey).convert("P")
    ramp = np.repeat(np.arange(256)[::-1], 3)
    picture.putpalette(ramp.astype(np.uint8).tobytes())
    picture.save(tmp_path / "grey.bmp")
    np.testing.assert_array_equal(
        read_image(tmp_path / "grey.bmp").data[...], 255 - np.asarray(picture)
    )
    ramp[1::3] = 0
    picture.putpalette(ramp.astype(np.uint8).tobytes())
    picture.save(tmp_path / "colour.png")
    source = read_image(tmp_path / "colour.png")
    assert source.axes == "YXS"
    assert not source.data[..., 1].any()


def test_jpeg_is_turned_as_it_asks(tmp_path: Path, colour: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    save(tmp_path / "a.jpg", colour, exif=exif)
    assert read_image(tmp_path / "a.jpg").shape == (30, 20, 3)


def test_colour_of_16_bits_is_not_silently_halved(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    rows = b"".join(b"\0" + bytes(20 * 6) for _ in range(20))
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(DGNOError, match="16 bits a channel"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.9])
def test_pictures_that_were_cut_off(
    tmp_path: Path, suffix: str, part: float, colour: np.ndarray
) -> None:
    path = tmp_path / f"a.{suffix}"
    save(path, colour)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(DGNOError, match=rf"a\.{suffix}"):
        read_image(path)


@pytest.mark.parametrize("name", ["a.czi", "a.txt", "a"])
def test_other_kinds(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(DGNOError, match=r"not read.*save it as OME-TIFF"):
        read_image(tmp_path / name)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DGNOError, match="does not exist"):
        read_image(tmp_path / "a.png")


def test_opacity_that_is_not_read_is_told(tmp_path: Path, grey: np.ndarray) -> None:
    Image.fromarray(np.stack([grey, 255 - grey], -1), "LA").save(tmp_path / "a.png")
    source = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(source.data[...], grey)
    assert source.warnings == ("a.png is partly transparent; its opacity is left out.",)
    save(tmp_path / "b.png", grey)
    assert read_image(tmp_path / "b.png").warnings == ()


def test_large_pictures_are_read(
    tmp_path: Path, grey: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow takes a picture of many pixels for an attack, unless told otherwise."""
    save(tmp_path / "a.png", grey)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", grey.size // 3)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").data[...], grey)
    assert grey.size // 3 == Image.MAX_IMAGE_PIXELS
    with pytest.raises(Image.DecompressionBombError):
        Image.open(tmp_path / "a.png")


def test_a_picture_beyond_the_memory_is_a_clear_error(
    tmp_path: Path, grey: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Image.Image) -> None:
        raise MemoryError

    save(tmp_path / "a.bmp", grey)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(DGNOError, match=r"a\.bmp does not fit into the memory"):
        read_image(tmp_path / "a.bmp")


KINDS = {
    "png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "jpg": ("1", "L", "RGB", "CMYK"),
    "bmp": ("1", "L", "P", "RGB", "RGBA"),
}


@pytest.mark.parametrize(("suffix", "mode"), [(s, m) for s, modes in KINDS.items() for m in modes])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_the_header_promises_what_is_read(
    tmp_path: Path, colour: np.ndarray, mode: str, suffix: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    if mode == "I;16":
        picture = Image.fromarray(colour[..., 0].astype(np.uint16))
    else:
        picture = Image.fromarray(colour).convert(mode)
    picture.save(path, exif=exif)
    pixels = read_pixels(path)
    assert read_header(path) == (pixels.shape, pixels.dtype)
