from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile

from dgno_core.errors import DGNOError
from dgno_core.io import read_image
from dgno_core.io.tiff import known_axes


def pixels(source: Any) -> np.ndarray:
    return source.read((slice(None),) * len(source.shape))


@pytest.mark.parametrize("axes", ["TZCYX", "ZCTYX", "PZYX", "CYX", "YX", "ZYXS", "TCZYX"])
def test_ome_axes_and_pixels(tmp_path: Path, axes: str) -> None:
    rng = np.random.default_rng(0)
    sizes = {"T": 2, "Z": 4, "C": 3, "P": 2, "Y": 20, "X": 21, "S": 3}
    image = rng.integers(0, 255, [sizes[letter] for letter in axes]).astype(np.uint8)
    photometric: Any = "rgb" if "S" in axes else "minisblack"
    tifffile.imwrite(
        tmp_path / "a.ome.tif", image, photometric=photometric, metadata={"axes": axes}
    )
    source = read_image(tmp_path / "a.ome.tif")
    assert source.axes == axes
    np.testing.assert_array_equal(pixels(source), image)


def test_ome_physical_size(tmp_path: Path) -> None:
    metadata = {
        "axes": "TZYX", "PhysicalSizeX": 0.2, "PhysicalSizeXUnit": "µm", "PhysicalSizeZ": 1.5,
        "PhysicalSizeY": 200, "PhysicalSizeYUnit": "nm", "TimeIncrement": 3,
        "TimeIncrementUnit": "s",
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((2, 3, 20, 20), "u2"), metadata=metadata)
    source = read_image(tmp_path / "a.ome.tif")
    assert source.pixel_size == {"X": 0.2, "Y": 200.0, "Z": 1.5, "T": 3.0}
    assert source.units == {
        "X": "micrometer", "Y": "nanometer", "Z": "micrometer", "T": "second",
    }  # fmt: skip


def test_imagej_hyperstack(tmp_path: Path) -> None:
    image = np.arange(3 * 2 * 20 * 24, dtype=np.uint16).reshape(3, 2, 20, 24)
    tifffile.imwrite(
        tmp_path / "a.tif", image, imagej=True, resolution=(5, 4),
        metadata={"axes": "ZCYX", "spacing": 0.7, "unit": "um"},
    )  # fmt: skip
    source = read_image(tmp_path / "a.tif")
    assert source.axes == "ZCYX"
    assert source.pixel_size == {"X": 0.2, "Y": 0.25, "Z": 0.7}
    assert set(source.units.values()) == {"micrometer"}
    np.testing.assert_array_equal(source.read((2, 1, slice(None), slice(None))), image[2, 1])


def test_pixels_without_a_unit_have_no_size(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 20), "u2"), resolution=(72, 72))
    assert read_image(tmp_path / "a.tif").pixel_size == {}


def test_a_plain_multipage_file_is_a_z_stack(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 20, 20), "u2"), metadata=None)
    assert read_image(tmp_path / "a.tif").axes == "ZYX"


def test_given_axes_take_precedence(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 20, 20), "u2"))
    assert read_image(tmp_path / "a.tif", "tyx").axes == "TYX"
    with pytest.raises(DGNOError, match=r"a\.tif has 3 dimensions"):
        read_image(tmp_path / "a.tif", "YX")


def test_only_free_letters_replace_unknown_ones() -> None:
    assert known_axes("QQYX", Path("a")) == "TZYX"
    assert known_axes("IZYX", Path("a")) == "TZYX"
    assert known_axes("TZYX", Path("a")) == "TZYX"
    with pytest.raises(DGNOError, match="not clear"):
        known_axes("QRTCZYX", Path("a"))


def test_the_first_of_several_images_is_read_with_a_warning(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
        writer.write(np.full((3, 20, 20), 1, "u2"), metadata={"axes": "ZYX"})
        writer.write(np.full((24, 30), 2, "u2"), metadata={"axes": "YX"})
    source = read_image(tmp_path / "a.ome.tif")
    assert source.shape == (3, 20, 20)
    assert source.warnings[0].startswith("a.ome.tif holds 2 images, 0 to 1; number 0 is read.")


def test_the_full_resolution_of_a_pyramid_is_read(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 9, (128, 128)).astype("u2")
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
        writer.write(image, tile=(32, 32), subifds=1, metadata={"axes": "YX"})
        writer.write(image[::2, ::2], tile=(32, 32), subfiletype=1)
    np.testing.assert_array_equal(pixels(read_image(tmp_path / "a.ome.tif")), image)


WAYS: dict[str, dict[str, Any]] = {
    "plain": {"metadata": None},
    "shaped": {},
    "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
    "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
    "zlib": {"compression": "zlib"},
    "ome_zlib": {"ome": True, "compression": "zlib", "metadata": {"axes": "ZYX"}},
    "strips": {"rowsperstrip": 7, "metadata": None},
    "pages": {"metadata": None, "contiguous": False},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_off_is_never_read_as_a_shorter_one(
    tmp_path: Path, way: str, part: float
) -> None:
    image = np.random.default_rng(0).integers(0, 60000, (6, 64, 64)).astype("u2")
    whole, cut = tmp_path / "whole.tif", tmp_path / "cut.tif"
    if way == "pages":
        with tifffile.TiffWriter(whole) as writer:
            for plane in image:
                writer.write(plane, metadata=None)
    else:
        tifffile.imwrite(whole, image, **WAYS[way])
    data = whole.read_bytes()
    cut.write_bytes(data[: int(len(data) * part)])
    np.testing.assert_array_equal(pixels(read_image(whole)), image)
    if way == "imagej" and part == 0.99:
        # Only what comes after the pixels is lost here.
        np.testing.assert_array_equal(pixels(read_image(cut)), image)
        return
    with pytest.raises(DGNOError, match=r"cut\.tif"):
        pixels(read_image(cut))


def test_the_file_is_closed_with_the_image(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((20, 20), "u2"))

    def is_open() -> bool:
        return any(Path(file.path) == path for file in psutil.Process().open_files())

    source = read_image(path)
    pixels(source)
    assert is_open()
    del source
    gc.collect()
    assert not is_open()


def test_a_damaged_page_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    image = np.random.default_rng(0).integers(0, 60000, (3, 64, 64)).astype("u2")
    tifffile.imwrite(path, image, compression="zlib", photometric="minisblack")
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[1].dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[start : start + 200] = bytes(200)
    path.write_bytes(data)
    source = read_image(path)
    np.testing.assert_array_equal(source.read((0, slice(None), slice(None))), image[0])
    with pytest.raises(DGNOError, match=r"a\.tif: some of its pixels cannot be read"):
        source.read((1, slice(None), slice(None)))


@pytest.mark.parametrize("content", [b"", b"hello", b"II*\0\x08\0\0\0\0\0\0\0\0\0"])
def test_what_is_no_tiff(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(DGNOError, match=r"a\.tif"):
        read_image(tmp_path / "a.tif")


def test_a_missing_file_of_several_is_an_error(tmp_path: Path) -> None:
    """An OME-TIFF may spread its planes over files; without one, planes would be black."""
    image = np.ones((2, 20, 20), "u2")
    tifffile.imwrite(tmp_path / "a.ome.tif", image, metadata={"axes": "ZYX"})
    xml = tifffile.tiffcomment(tmp_path / "a.ome.tif")
    uuid = "urn:uuid:00000000-0000-0000-0000-000000000001"
    spread = xml.replace(
        '<TiffData IFD="0" PlaneCount="2"/>',
        '<TiffData IFD="0" FirstZ="0" PlaneCount="1"/>'
        '<TiffData IFD="0" FirstZ="1" PlaneCount="1">'
        f'<UUID FileName="b.ome.tif">{uuid}</UUID></TiffData>',
    )
    assert spread != xml
    tifffile.tiffcomment(tmp_path / "a.ome.tif", spread)
    with pytest.raises(DGNOError, match=r"a\.ome\.tif is one of several.*b\.ome\.tif is missing"):
        read_image(tmp_path / "a.ome.tif")
    # The file itself may bear another name than it says.
    own = tifffile.xml2dict(xml)["OME"]["UUID"]
    named = xml.replace(
        '<TiffData IFD="0" PlaneCount="2"/>',
        f'<TiffData IFD="0" PlaneCount="2"><UUID FileName="old.ome.tif">{own}</UUID></TiffData>',
    )
    tifffile.tiffcomment(tmp_path / "a.ome.tif", named)
    np.testing.assert_array_equal(pixels(read_image(tmp_path / "a.ome.tif")), image)


def test_a_missing_companion_is_named(tmp_path: Path) -> None:
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<BinaryOnly MetadataFile="set.companion.ome" UUID="urn:uuid:1"/></OME>'
    )
    image = np.ones((2, 20, 20), "u2")
    tifffile.imwrite(tmp_path / "a.ome.tif", image, metadata=None, description=xml)
    with pytest.raises(DGNOError, match=r"set\.companion\.ome is missing; copy it into"):
        read_image(tmp_path / "a.ome.tif")


@pytest.mark.parametrize("end", ["", "</OME>"])
def test_ome_xml_that_was_cut_off_is_told(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.ones((2, 20, 20), "u2"), metadata={"axes": "CYX"})
    xml = tifffile.tiffcomment(path)
    tifffile.tiffcomment(path, xml[: len(xml) // 2] + end)
    with pytest.raises(DGNOError, match=r"a\.ome\.tif: the OME-XML in it.*cut off.*copy the file"):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "axes", "size"),
    [
        ("neubias/xyzc_16bit__dna_conf_wf.tif", "ZCYX", {"X", "Y", "Z"}),
        ("neubias/xyc_16bit__hela-cells.tif", "YXS", set()),
        ("reader-samples/multiseries.ome.tiff", "CYX", set()),
        ("reader-samples/res.ome.tiff", "YXS", set()),
        ("stardist-test/img3d.tif", "ZYX", set()),
        ("cellprofiler-examples/ExampleHuman__AS_09125_050116030001_D03f00d1.tif", "YX", set()),
    ],
)
def test_real_files(shared_data: Path, name: str, axes: str, size: set[str]) -> None:
    source = read_image(shared_data / name)
    assert source.axes == axes
    assert size <= set(source.pixel_size)
    np.testing.assert_array_equal(pixels(source), tifffile.imread(shared_data / name))


def test_one_file_that_names_itself_for_every_plane_may_be_renamed(tmp_path: Path) -> None:
    planes = "".join(
        f'<TiffData FirstZ="{z}" IFD="{z}" PlaneCount="1">'
        '<UUID FileName="old.ome.tif">urn:uuid:1</UUID></TiffData>'
        for z in range(3)
    )
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="20" SizeY="20" '
        f'SizeZ="3" SizeC="1" SizeT="1">{planes}</Pixels></Image></OME>'
    )
    path = tmp_path / "new.ome.tif"
    with tifffile.TiffWriter(path) as writer:
        for z in range(3):
            writer.write(
                np.full((20, 20), z, np.uint8), description=xml if z == 0 else None, metadata=None
            )
    assert read_image(path).shape == (3, 20, 20)
