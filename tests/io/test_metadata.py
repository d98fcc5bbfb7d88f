"""What a file says besides pixels goes along from format to format, or is named as lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from typer.testing import CliRunner

from dgno_core.cli.app import app
from dgno_core.io import ImageSource, read_image, write_image
from dgno_core.io.lost import lost_in_zarr
from dgno_core.io.metadata import ImageMetadata, PlaneValues

SHAPE = (2, 2, 3, 20, 24)  # TCZYX
COLOURS = (0xFF0000FF - (1 << 32), 0x00FF00FF)


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """Return an OME-TIFF that says everything that a microscope says."""
    path = tmp_path / "full.ome.tif"
    count = SHAPE[0] * SHAPE[1] * SHAPE[2]
    image = np.random.default_rng(0).integers(0, 4000, SHAPE).astype(np.uint16)
    z = [0.5 * (page % SHAPE[2]) - 7 for page in range(count)]
    metadata: dict[str, Any] = {
        "axes": "TCZYX", "Name": "embryo 7", "Description": "fixed, 20 C",
        "AcquisitionDate": "2026-01-02T03:04:05", "SignificantBits": 12,
        "PhysicalSizeX": 0.2, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.25,
        "PhysicalSizeYUnit": "µm", "PhysicalSizeZ": 0.5, "PhysicalSizeZUnit": "µm",
        "TimeIncrement": 30.0, "TimeIncrementUnit": "s",
        "Channel": {
            "Name": ["DAPI", "GFP"], "Color": list(COLOURS), "Fluor": ["Hoechst", "EGFP"],
            "EmissionWavelength": [461, 509], "EmissionWavelengthUnit": ["nm"] * 2,
            "ExcitationWavelength": [358, 488], "ExcitationWavelengthUnit": ["nm"] * 2,
        },
        "Plane": {
            "DeltaT": [1.5 * page for page in range(count)], "DeltaTUnit": ["s"] * count,
            "ExposureTime": [0.1 + page % 2 for page in range(count)],
            "ExposureTimeUnit": ["s"] * count,
            "PositionX": [1234.5] * count, "PositionXUnit": ["µm"] * count,
            "PositionY": [-0.5] * count, "PositionYUnit": ["mm"] * count,
            "PositionZ": z, "PositionZUnit": ["µm"] * count,
        },
    }  # fmt: skip
    tifffile.imwrite(path, image, photometric="minisblack", metadata=metadata)
    return path


def image_element(path: Path) -> dict[str, Any]:
    with tifffile.TiffFile(path) as tiff:
        image: dict[str, Any] = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"]
    return image


def write(source: ImageSource, path: Path) -> str:
    return " ".join(write_image(path, source))


def test_nothing_is_lost_between_ome_tiffs(tmp_path: Path, full: Path) -> None:
    assert write(read_image(full), tmp_path / "b.ome.tif") == ""
    before, after = image_element(full), image_element(tmp_path / "b.ome.tif")
    assert after == before


def test_a_colour_image_keeps_what_its_planes_say(tmp_path: Path) -> None:
    image = np.zeros((2, 20, 24, 3), np.uint8)
    metadata = {
        "axes": "ZYXS", "Channel": {"Name": ["H&E"]},
        "Plane": {"ExposureTime": [0.1, 0.2], "PositionX": [5.0, 6.0]},
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", image, photometric="rgb", metadata=metadata)
    assert write(read_image(tmp_path / "a.ome.tif"), tmp_path / "b.ome.tif") == ""
    pixels = image_element(tmp_path / "b.ome.tif")["Pixels"]
    assert pixels["Channel"]["Name"] == "H&E"
    assert [plane["ExposureTime"] for plane in pixels["Plane"]] == [0.1, 0.2]
    assert [plane["PositionX"] for plane in pixels["Plane"]] == [5.0, 6.0]


def test_from_ome_tiff_to_ome_zarr_and_back(tmp_path: Path, full: Path) -> None:
    said = write(read_image(full), tmp_path / "b.ome.zarr")
    for word in ("exposure times", "times of planes", "significant bits", "excitation", "Fluor"):
        assert word in said
    assert "position" not in said
    ome: Any = zarr.open_group(tmp_path / "b.ome.zarr", mode="r").attrs["ome"]
    multiscale = ome["multiscales"][0]
    assert multiscale["name"] == "embryo 7"
    scale, translation = multiscale["datasets"][0]["coordinateTransformations"]
    assert scale["scale"] == [30.0, 1.0, 0.5, 0.25, 0.2]
    assert translation["translation"] == [0.0, 0.0, -7.0, -500.0, 1234.5]
    channels = ome["omero"]["channels"]
    assert [channel["label"] for channel in channels] == ["DAPI", "GFP"]
    assert [channel["color"] for channel in channels] == ["FF0000", "00FF00"]
    assert [channel["emissionWave"] for channel in channels] == [461, 509]
    pixels = np.asarray(read_image(full).data)
    for number, channel in enumerate(channels):
        shown = pixels[:, number]
        assert channel["window"] == {
            "min": 0, "max": 65535, "start": shown.min(), "end": shown.max(),
        }  # fmt: skip

    write(read_image(tmp_path / "b.ome.zarr"), tmp_path / "c.ome.tif")
    image = image_element(tmp_path / "c.ome.tif")
    assert image["Name"] == "embryo 7"
    for key in ("Name", "Color", "EmissionWavelength"):
        expected = [channel[key] for channel in image_element(full)["Pixels"]["Channel"]]
        assert [channel[key] for channel in image["Pixels"]["Channel"]] == expected
    plane = image["Pixels"]["Plane"][1]
    assert (plane["PositionX"], plane["PositionY"], plane["PositionZ"]) == (1234.5, -500.0, -6.5)
    windows = [channel.window for channel in read_image(tmp_path / "c.ome.tif").metadata.channels]
    assert windows == [(c["window"]["start"], c["window"]["end"]) for c in channels]


def test_the_omero_block_and_translation_of_a_zarr_survive(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    array: Any = group.create_array("0", shape=(2, 20, 24), dtype="u2")
    array[:] = 7
    axes = [{"name": "c", "type": "channel"}] + [
        {"name": name, "type": "space", "unit": "micrometer"} for name in "yx"
    ]
    transformations = [
        {"type": "scale", "scale": [1, 0.5, 0.5]},
        {"type": "translation", "translation": [0, 10, 20]},
    ]
    window = {"min": 0, "max": 65535, "start": 100, "end": 900}
    channels = [
        {"label": name, "color": colour, "active": True, "window": window}
        for name, colour in (("actin", "FF00FF"), ("DNA", "00ffff"))
    ]
    dataset = {"path": "0", "coordinateTransformations": transformations}
    group.attrs["multiscales"] = [
        {"version": "0.4", "name": "well A1", "axes": axes, "datasets": [dataset]}
    ]
    group.attrs["omero"] = {"channels": channels}
    source = read_image(tmp_path / "a.zarr")
    assert write(source, tmp_path / "b.ome.zarr") == ""
    ome: Any = zarr.open_group(tmp_path / "b.ome.zarr", mode="r").attrs["ome"]
    assert [c["label"] for c in ome["omero"]["channels"]] == ["actin", "DNA"]
    assert [c["color"] for c in ome["omero"]["channels"]] == ["FF00FF", "00FFFF"]
    assert [c["window"] for c in ome["omero"]["channels"]] == [window] * 2
    multiscale = ome["multiscales"][0]
    assert multiscale["name"] == "well A1"
    assert multiscale["datasets"][0]["coordinateTransformations"] == transformations


def test_what_imagej_says_goes_into_ome(tmp_path: Path) -> None:
    image = np.zeros((2, 2, 20, 24), np.uint16)
    ramp = np.arange(256, dtype=np.uint8)
    green, grey = np.stack([0 * ramp, ramp, 0 * ramp]), np.stack([ramp] * 3)
    metadata = {
        "axes": "ZCYX", "unit": "um", "spacing": 0.5, "mode": "composite",
        "LUTs": [green, grey], "Ranges": (1.0, 2.0, 30.0, 40.0), "Info": "fixed",
        "Labels": ["GFP", "DNA", "GFP", "DNA"], "xorigin": 10,
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.tif", image, imagej=True, resolution=(5, 5), metadata=metadata)
    source = read_image(tmp_path / "a.tif")
    assert write(source, tmp_path / "b.ome.tif") == ""
    back = read_image(tmp_path / "b.ome.tif").metadata
    assert [(c.name, c.colour, c.window) for c in back.channels] == [
        ("GFP", "00FF00", (1.0, 2.0)), ("DNA", "FFFFFF", (30.0, 40.0)),
    ]  # fmt: skip
    assert (back.description, back.origin) == ("fixed", {"X": -2.0})


def test_the_lookup_tables_of_an_imagej_composite_are_no_palette(shared_data: Path) -> None:
    path = shared_data / "neubias" / "xyc_8bit__membranes_nuclei.tif"
    source = read_image(path)
    assert (source.axes, source.dtype) == ("CYX", np.uint8)
    np.testing.assert_array_equal(np.asarray(source.data), tifffile.imread(path))
    assert [channel.colour for channel in source.metadata.channels] != [None, None]


def test_what_is_in_no_format_is_named(tmp_path: Path, full: Path) -> None:
    xml = tifffile.tiffcomment(full)
    odd = xml.replace("<Image ", '<Instrument ID="Instrument:0"/><ROI ID="ROI:0"/><Image ', 1)
    assert odd != xml
    tifffile.tiffcomment(full, odd.encode())
    source = read_image(full)
    for name in ("b.ome.tif", "b.ome.zarr"):
        said = write(source, tmp_path / name)
        assert said.startswith(f"{name} does not hold of full.ome.tif: ")
        assert "Instrument" in said
        assert "ROI" in said


def test_a_png_says_what_it_lacks(tmp_path: Path) -> None:
    metadata = {
        "axes": "YX", "Name": "a", "PhysicalSizeX": 0.2, "PhysicalSizeXUnit": "µm",
        "Channel": {"Name": ["DAPI"], "EmissionWavelength": [461]},
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((20, 24), "u1"), metadata=metadata)
    said = write(read_image(tmp_path / "a.ome.tif"), tmp_path / "a.png")
    for word in ("pixel size", "image name", "channel names", "wavelengths"):
        assert word in said


def test_a_restoration_carries_it_and_tells_what_it_lost(tmp_path: Path, full: Path) -> None:
    def restore(name: str) -> dict[str, Any]:
        arguments = ["restore", str(full), "-o", str(tmp_path / name), "--device", "cpu"]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        record: dict[str, Any] = json.loads((tmp_path / f"{name}.json").read_text())
        return record

    record = restore("r.ome.tif")
    assert record["axes"] == "TCZYX"
    assert not any("does not hold" in warning for warning in record["warnings"])
    assert image_element(tmp_path / "r.ome.tif") == image_element(full)
    record = restore("r.ome.zarr")
    assert any("exposure times" in warning for warning in record["warnings"])


def test_plain_images_cause_no_warnings(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 24), "u1"))
    source = read_image(tmp_path / "a.tif")
    for name in ("b.tif", "b.zarr", "b.png"):
        assert write(source, tmp_path / name) == ""


@pytest.mark.parametrize(
    ("heights", "told"), [([1, 2, 3], []), ([1, 2, 6], ["positions of planes"])]
)
def test_uneven_steps_along_z_are_named(heights: list[float], told: list[str]) -> None:
    planes = PlaneValues(np.array(heights, float).reshape(1, 1, 3), "µm")
    source = ImageSource(
        np.zeros((3, 20, 20), np.uint8),
        "ZYX",
        {"Z": 1.0},
        {"Z": "micrometer"},
        metadata=ImageMetadata(origin={"Z": 1.0}, planes={"PositionZ": planes}),
    )
    assert lost_in_zarr(source) == told


@pytest.mark.parametrize("labels", ["DAPI", ["DAPI"]])
def test_the_label_of_a_single_imagej_plane_is_its_channel(tmp_path: Path, labels: Any) -> None:
    path = tmp_path / "one.tif"
    image = np.zeros((20, 24), np.uint8)
    tifffile.imwrite(path, image, imagej=True, metadata={"Labels": labels})
    source = read_image(path)
    assert source.shape == (20, 24)
    assert [channel.name for channel in source.metadata.channels] in (["DAPI"], ["D"])


@pytest.mark.parametrize(
    ("dtype", "top", "bits"),
    [("u2", 4095, 12), ("u2", 4096, 13), ("u2", 65535, 16), ("i2", 2047, 12), ("i2", -2049, 13)],
)
def test_significant_bits_hold_what_was_written(
    tmp_path: Path, dtype: str, top: int, bits: int
) -> None:
    """A restoration may go beyond the bits that the camera filled."""
    metadata = {"axes": "ZYX", "SignificantBits": 12, "Description": ' SignificantBits="3" in µm'}
    image = np.zeros((3, 20, 24), dtype)
    tifffile.imwrite(tmp_path / "a.ome.tif", image, metadata=metadata)
    image[1, 2, 3] = top
    source = read_image(tmp_path / "a.ome.tif")
    beyond = ImageSource(image, source.axes, metadata=source.metadata)
    write_image(tmp_path / "b.ome.tif", beyond)
    back = read_image(tmp_path / "b.ome.tif")
    assert back.metadata.significant_bits == bits
    assert back.metadata.description == source.metadata.description
    np.testing.assert_array_equal(np.asarray(back.data), image)
