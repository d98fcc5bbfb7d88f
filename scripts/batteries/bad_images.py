"""Images that cannot be restored."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import tifffile

from batteries.cases import Words, case, restore
from batteries.kit import write_stack


def add(title: str, image: str = "bad.tif", *more: str):  # noqa: ANN201 - a decorator
    """Add an image to restore; the function writes it."""

    def decorate(write):  # noqa: ANN001, ANN202
        def prepare(folder: Path) -> Words:
            write(folder / image)
            return restore(image, *more)

        return case("image", title)(prepare)

    return decorate


@add("TIFF cut off in its pixels")
def _(path: Path) -> None:
    write_stack(path)
    path.write_bytes(path.read_bytes()[:30_000])


@add("TIFF cut off in its header")
def _(path: Path) -> None:
    write_stack(path)
    path.write_bytes(path.read_bytes()[:60])


@add("PNG cut off", "bad.png")
def _(path: Path) -> None:
    path.write_bytes(png(64, 64, np.random.default_rng(0).bytes(64 * 64))[:900])


@add("empty file")
def _(path: Path) -> None:
    path.write_bytes(b"")


@add("text named .tif")
def _(path: Path) -> None:
    path.write_text("These are my notes of Monday.\n" * 40)


@add("text named .png", "bad.png")
def _(path: Path) -> None:
    path.write_text("These are my notes of Monday.\n" * 40)


@add("a document (.docx)", "bad.docx")
def _(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + b"\0" * 400)


def floats(value: float) -> np.ndarray:
    """Return an image with one pixel of a value."""
    pixels = np.random.default_rng(0).random((64, 64), np.float32)
    pixels[30, 40] = value
    return pixels


@add("NaN in a float image")
def _(path: Path) -> None:
    tifffile.imwrite(path, floats(np.nan))


@add("infinity in a float image")
def _(path: Path) -> None:
    tifffile.imwrite(path, floats(np.inf))


@add("complex numbers")
def _(path: Path) -> None:
    tifffile.imwrite(path, np.ones((64, 64), np.complex64))


@add("a mask (bool)", "bad.zarr")
def _(path: Path) -> None:
    zarr_array(path, np.ones((64, 64), bool))


@add("8 x 8 pixels")
def _(path: Path) -> None:
    tifffile.imwrite(path, np.ones((8, 8), np.uint8))


@add("a stack called YX", "bad.tif", "--axes", "YX")
def _(path: Path) -> None:
    write_stack(path)


@add("axes of unknown letters", "bad.tif", "--axes", "QYX")
def _(path: Path) -> None:
    write_stack(path)


@add("the same axis twice", "bad.tif", "--axes", "YYX")
def _(path: Path) -> None:
    write_stack(path)


@add("a palette TIFF without its palette")
def _(path: Path) -> None:
    indices = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    palette = np.zeros((3, 256), np.uint16)
    tifffile.imwrite(path, indices, photometric="palette", colormap=palette)
    content = path.read_bytes()
    # 320 is the tag of the palette, 3 the type of its numbers.
    path.write_bytes(content.replace(struct.pack("<HH", 320, 3), struct.pack("<HH", 321, 3)))


@add("OME-TIFF whose companion files are missing", "set_0.ome.tif")
def _(path: Path) -> None:
    pixels = "".join(
        f'<TiffData FirstZ="{z}" IFD="0" PlaneCount="1"><UUID FileName="set_{z}.ome.tif">'
        f"urn:uuid:00000000-0000-0000-0000-00000000000{z}</UUID></TiffData>"
        for z in range(3)
    )
    ome_tiff(path, pixels, planes=3)


@add("OME-TIFF with half of its XML")
def _(path: Path) -> None:
    ome_tiff(path, "<TiffData", planes=1, end="")


@add("TIFF that claims 10^5 x 10^5 pixels")
def _(path: Path) -> None:
    tifffile.imwrite(path, np.ones((64, 64), np.uint8))
    content = bytearray(path.read_bytes())
    for tag in (256, 257):  # width and height
        at = content.find(struct.pack("<H", tag))
        content[at + 2 : at + 12] = struct.pack("<HII", 4, 1, 100_000)
    path.write_bytes(content)


@add("zarr that claims 10^6 x 10^6 pixels", "bad.zarr")
def _(path: Path) -> None:
    zarr_array(path, np.ones((64, 64), np.uint8))
    metadata = json.loads((path / "zarr.json").read_text())
    metadata["shape"] = [10**6, 10**6]
    metadata["chunk_grid"]["configuration"]["chunk_shape"] = [10**6, 10**6]
    (path / "zarr.json").write_text(json.dumps(metadata))


@add("zarr of 10^9 planes", "bad.zarr", "--axes", "ZYX")
def _(path: Path) -> None:
    zarr_array(path, np.ones((1, 64, 64), np.uint8))
    metadata = json.loads((path / "zarr.json").read_text())
    metadata["shape"] = [10**9, 10**5, 10**5]
    (path / "zarr.json").write_text(json.dumps(metadata))


@add("zarr with half of its metadata", "bad.zarr")
def _(path: Path) -> None:
    zarr_array(path, np.ones((64, 64), np.uint8))
    text = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(text[: len(text) // 2])


@add("zarr with a chunk cut off", "bad.zarr")
def _(path: Path) -> None:
    zarr_array(path, np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint16))
    chunk = next(file for file in (path / "c").rglob("*") if file.is_file())
    chunk.write_bytes(chunk.read_bytes()[:100])


@add("zarr group without an image", "bad.zarr")
def _(path: Path) -> None:
    import zarr

    zarr.open_group(path, mode="w")


@add("PNG that claims 200,000 x 200,000 pixels", "bad.png")
def _(path: Path) -> None:
    path.write_bytes(png(200_000, 200_000, b"\0" * 64))


@add("folder of planes of two sizes", "planes")
def _(path: Path) -> None:
    path.mkdir()
    for name, side in (("0.tif", 64), ("1.tif", 80)):
        tifffile.imwrite(path / name, np.ones((side, side), np.uint8))


@add("empty folder", "planes")
def _(path: Path) -> None:
    path.mkdir()


@add("no such file")
def _(path: Path) -> None:
    pass


def zarr_array(path: Path, pixels: np.ndarray) -> None:
    """Write a zarr array of one chunk."""
    import zarr

    array = zarr.create_array(path, shape=pixels.shape, chunks=pixels.shape, dtype=pixels.dtype)
    array[...] = pixels


def ome_tiff(path: Path, inner: str, *, planes: int, end: str = "</Pixels></Image></OME>") -> None:
    """Write a TIFF of one page whose description is OME-XML."""
    text = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:00000000-0000-0000-0000-000000000000"><Image ID="Image:0"><Pixels '
        'ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="64" SizeY="64" '
        f'SizeZ="{planes}" SizeC="1" SizeT="1"><Channel ID="Channel:0:0"/>{inner}{end}'
    )
    pixels = np.random.default_rng(0).integers(0, 4000, (64, 64)).astype(np.uint16)
    tifffile.imwrite(path, pixels, description=text, metadata=None)


def png(width: int, height: int, pixels: bytes) -> bytes:
    """Return a grey PNG; its pixels may be fewer than it claims."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    rows = [pixels[start : start + width] for start in range(0, len(pixels), width)]
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
