"""What the tags of a plain TIFF say goes along, or is named as lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from dgno_core.io import read_image, write_image

IMAGE = np.zeros((20, 24), np.uint16)


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [
        ((50000, 40000), "CENTIMETER", {"X": 0.2, "Y": 0.25}),
        ((25400, 25400), "INCH", {"X": 1.0, "Y": 1.0}),
        ((72, 72), "INCH", {}),
        ((96, 96), "INCH", {}),
        ((300, 300), "INCH", {}),
        ((1200, 1200), "INCH", {}),
        ((118.11, 118.11), "CENTIMETER", {}),  # 300 dots per inch
        ((1e8, 1e8), "CENTIMETER", {}),  # an atom
        ((50000, 40000), "NONE", {}),
        ((50000, 0), "CENTIMETER", {}),
    ],
)
def test_a_resolution_is_a_pixel_size_where_it_can_be_one(
    tmp_path: Path, resolution: tuple[float, float], unit: Any, size: dict[str, float]
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGE, resolution=resolution, resolutionunit=unit, metadata=None)
    source = read_image(path)
    assert source.pixel_size == pytest.approx(size)
    assert source.units == dict.fromkeys(size, "micrometer")
    assert write_image(tmp_path / "b.ome.tif", source) == ()
    assert read_image(tmp_path / "b.ome.tif").pixel_size == pytest.approx(size)


@pytest.mark.parametrize(
    ("metadata", "resolution", "unit", "size"),
    [
        ({}, (50000, 50000), "CENTIMETER", {"X": 0.2, "Y": 0.2}),
        ({}, (72, 72), "INCH", {}),
        ({"unit": "inch"}, (300, 300), "INCH", {}),
        ({"unit": "um"}, (2, 2), "NONE", {"X": 0.5, "Y": 0.5}),
    ],
)
def test_imagej_without_a_unit_has_that_of_the_tag(
    tmp_path: Path,
    metadata: dict[str, Any],
    resolution: tuple[float, float],
    unit: Any,
    size: dict[str, float],
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, IMAGE, imagej=True, resolution=resolution, resolutionunit=unit, metadata=metadata
    )
    assert read_image(path).pixel_size == pytest.approx(size)


def test_a_description_goes_along_and_other_tags_are_named(tmp_path: Path) -> None:
    text = "stage 3\r\n20 °C <exposure & gain>\x0b"
    tags = [(315, 2, 0, "A. Biologist", True), (272, 2, 0, "Camera 7", True)]
    tifffile.imwrite(
        tmp_path / "a.tif", IMAGE, metadata=None, description=text.encode(), extratags=tags
    )
    source = read_image(tmp_path / "a.tif")
    (said,) = write_image(tmp_path / "b.ome.tif", source)
    assert said == "b.ome.tif does not hold of a.tif: Model, Artist."
    back = read_image(tmp_path / "b.ome.tif").metadata
    assert back.description == "stage 3\n20 °C <exposure & gain>"
    (said,) = write_image(tmp_path / "b.ome.zarr", source)
    assert "description" in said


def test_what_tifffile_notes_for_itself_is_no_description(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", IMAGE)
    assert read_image(tmp_path / "a.tif").metadata.description is None
    tifffile.imwrite(tmp_path / "b.tif", IMAGE, metadata={"stain": "DAPI"})
    (said,) = write_image(tmp_path / "b.ome.tif", read_image(tmp_path / "b.tif"))
    assert said.endswith(": stain.")


def test_metamorph_tells_pixel_size_channel_and_time(shared_data: Path, tmp_path: Path) -> None:
    path = next(shared_data.glob("bbbc039/images/IXMtest_P15_s3_*.tif"))
    source = read_image(path)
    assert source.pixel_size == {"X": 0.645, "Y": 0.645}
    assert source.units == {"X": "micrometer", "Y": "micrometer"}
    (channel,) = source.metadata.channels
    assert (channel.name, channel.emission) == ("DAPI", 458)
    assert source.metadata.acquired == "2010-03-04T20:09:41.283000"
    assert "Exposure: 25 ms\nBinning: 2 x 2" in str(source.metadata.description)
    (said,) = write_image(tmp_path / "b.ome.tif", source)
    assert said.endswith(": DateTime, MetaMorph metadata.")
    back = read_image(tmp_path / "b.ome.tif")
    assert (back.pixel_size, back.metadata.channels) == (source.pixel_size, (channel,))
    assert back.metadata.acquired == source.metadata.acquired


def test_a_zeiss_lsm_tells_its_voxels(tmp_path: Path) -> None:
    info = np.zeros(1, np.dtype(tifffile.TIFF.CZ_LSMINFO).newbyteorder("<"))
    info["MagicNumber"], info["StructureSize"] = 67127628, info.itemsize
    info["DimensionX"], info["DimensionY"], info["DimensionZ"] = 24, 20, 3
    info["DimensionChannels"] = info["DimensionTime"] = 1
    info["VoxelSizeX"], info["VoxelSizeY"], info["VoxelSizeZ"] = 1e-7, 2e-7, 5e-7
    tag = (34412, 1, info.nbytes, info.tobytes(), True)
    with tifffile.TiffWriter(tmp_path / "a.tif", byteorder="<") as writer:
        for page in range(6):  # every second one is a small picture of the plane before
            tags = [] if page else [tag]
            writer.write(IMAGE, metadata=None, extratags=tags, subfiletype=page % 2)
    source = read_image(tmp_path / "a.tif")
    assert (source.axes, source.shape) == ("ZYX", (3, 20, 24))
    assert source.pixel_size == pytest.approx({"X": 0.1, "Y": 0.2, "Z": 0.5})
    assert source.units["Z"] == "micrometer"
    (said,) = write_image(tmp_path / "b.ome.tif", source)
    assert said.endswith(": Zeiss LSM metadata.")


def test_a_folder_says_that_what_its_planes_tell_is_lost(tmp_path: Path) -> None:
    (tmp_path / "planes").mkdir()
    for number in range(2):
        path = tmp_path / "planes" / f"{number}.tif"
        tifffile.imwrite(path, IMAGE, metadata=None, description=f"plane {number}")
    (said,) = write_image(tmp_path / "b.ome.tif", read_image(tmp_path / "planes"))
    assert said.endswith(": metadata of planes.")


def test_tags_that_make_no_sense_do_not_keep_from_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGE, metadata=None, resolution=(5e4, 5e4), resolutionunit=3)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags["XResolution"].overwrite((1, 2, 3, 4), dtype=5)
    source = read_image(path)
    assert (source.pixel_size, source.metadata.others) == ({}, ("tags",))
