"""What OME-Zarr says besides pixels: carried on, or named as lost; and what makes it colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from dgno_core.io import ImageSource, as_source, read_image, write_image


def write(source: ImageSource, path: Path) -> str:
    return " ".join(write_image(path, source))


def ngff(path: Path, image: np.ndarray, channels: list[dict[str, Any]], **omero: Any) -> Any:
    """Write a channel-first OME-Zarr 0.4 as other programs do; returns its group."""
    group = zarr.open_group(path, mode="w", zarr_format=2)
    array: Any = group.create_array("0", shape=image.shape, dtype=image.dtype)
    array[:] = image
    axes = [{"name": "c", "type": "channel"}, *({"name": a, "type": "space"} for a in "yx")]
    level = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1]}]}
    multiscale = {"version": "0.4", "name": "a", "axes": axes, "datasets": [level]}
    group.attrs["multiscales"] = [multiscale]
    group.attrs["omero"] = {"channels": channels, **omero}
    return group


RGB = [
    {"label": name, "color": colour, "window": {"min": 0, "max": 255, "start": 0, "end": 255}}
    for name, colour in (("Red", "FF0000"), ("Green", "00FF00"), ("Blue", "0000FF"))
]


@pytest.mark.parametrize(
    ("dtype", "changes"),
    [
        ("u2", {}),
        ("u1", {"emissionWave": 600}),
        ("u1", {"window": {"min": 0, "max": 255, "start": 3, "end": 90}}),
        ("u1", {"inverted": True}),
        ("f4", {}),
    ],
)
def test_fluorescence_whose_channels_are_called_by_colours_stays_channels(
    tmp_path: Path, dtype: str, changes: dict[str, Any]
) -> None:
    image = np.random.default_rng(0).integers(0, 250, (3, 20, 24)).astype(dtype)
    ngff(tmp_path / "a.zarr", image, [entry | changes for entry in RGB])
    source = read_image(tmp_path / "a.zarr")
    assert (source.axes, source.shape) == ("CYX", image.shape)
    assert [channel.name for channel in source.metadata.channels] == ["Red", "Green", "Blue"]
    assert write(source, tmp_path / "b.ome.zarr") == ""
    again = read_image(tmp_path / "b.ome.zarr")
    assert (again.axes, again.metadata) == ("CYX", source.metadata)


def test_a_plain_colour_zarr_of_8_bits_is_still_colour(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 250, (3, 20, 24)).astype("u1")
    ngff(tmp_path / "a.zarr", image, RGB)
    source = read_image(tmp_path / "a.zarr")
    assert (source.axes, source.shape, source.metadata.channels) == ("YXS", (20, 24, 3), ())


def test_what_omero_shows_goes_from_zarr_to_zarr_and_is_named_elsewhere(tmp_path: Path) -> None:
    channels: list[dict[str, Any]] = [
        {
            "label": name, "color": "FF00FF", "active": False, "coefficient": 2, "inverted": True,
            "family": "quantum", "window": {"min": 0, "max": 4095, "start": 9, "end": 99},
        }
        for name in "ab"
    ]  # fmt: skip
    rdefs = {"defaultT": 0, "defaultZ": 3, "model": "greyscale"}
    image = np.zeros((2, 20, 24), np.uint16)
    ngff(tmp_path / "a.zarr", image, channels, rdefs=rdefs, name="well", version="0.4")
    source = read_image(tmp_path / "a.zarr")
    assert write(source, tmp_path / "b.ome.zarr") == ""
    ome: Any = zarr.open_group(tmp_path / "b.ome.zarr", mode="r").attrs["ome"]
    assert ome["omero"] == {"channels": channels, "rdefs": rdefs, "name": "well"}
    assert "display settings of OMERO" in write(source, tmp_path / "b.ome.tif")
    # What goes without saying is no loss.
    assert write(read_image(tmp_path / "b.ome.tif"), tmp_path / "c.ome.zarr") == ""
    assert write(read_image(tmp_path / "c.ome.zarr"), tmp_path / "c.ome.tif") == ""


@pytest.mark.parametrize("name", ["b.ome.zarr", "b.ome.tif"])
def test_what_else_a_zarr_says_is_named_in_one_warning(tmp_path: Path, name: str) -> None:
    group = ngff(tmp_path / "a.zarr", np.zeros((2, 20, 24), np.uint16), [])
    multiscale = dict(group.attrs["multiscales"][0])
    multiscale["datasets"] = [*multiscale["datasets"], {"path": "1"}]
    multiscale["axes"][1]["orientation"] = "anterior-to-posterior"
    group.attrs["multiscales"] = [multiscale, multiscale]
    group.attrs["omero"] = {"channels": [{"label": "a", "color": "lime"}, {"label": "b"}]}
    group.attrs["stain"] = {"batch": 7}
    group.create_group("labels").attrs["labels"] = ["cells"]
    (said,) = write_image(tmp_path / name, read_image(tmp_path / "a.zarr"))
    for word in (
        "image labels", "further multiscales", "lower resolutions", "orientation of axes",
        "attribute stain", "channel colours",
    ):  # fmt: skip
        assert word in said


def test_the_attributes_of_bare_arrays_are_named(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "a.zarr", shape=(20, 24), dtype="u2")
    array.attrs["stain"] = "DAPI"
    assert "attribute stain" in write(read_image(tmp_path / "a.zarr"), tmp_path / "b.tif")
    group = zarr.open_group(tmp_path / "g.zarr", mode="w")
    group.create_array("only", shape=(20, 24), dtype="u2")
    group.attrs["scope"] = 1
    assert "attribute scope" in write(read_image(tmp_path / "g.zarr"), tmp_path / "c.tif")


def test_the_xml_of_a_collection_is_named(tmp_path: Path) -> None:
    root = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    root.attrs["bioformats2raw.layout"] = 3
    ngff(tmp_path / "a.zarr" / "0", np.zeros((1, 20, 24), np.uint16), [])
    (tmp_path / "a.zarr" / "OME").mkdir()
    (tmp_path / "a.zarr" / "OME" / "METADATA.ome.xml").write_text("<OME/>")
    said = write(read_image(tmp_path / "a.zarr"), tmp_path / "b.ome.zarr")
    assert said == "b.ome.zarr does not hold of a.zarr: OME/METADATA.ome.xml."


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_our_own_colours_come_back_as_colours_of_any_type(tmp_path: Path, dtype: str) -> None:
    image = np.random.default_rng(0).integers(0, 250, (20, 24, 3)).astype(dtype)
    assert write(as_source(image, "YXS"), tmp_path / "a.ome.zarr") == ""
    back = read_image(tmp_path / "a.ome.zarr")
    assert (back.axes, back.metadata.others) == ("YXS", ())
    np.testing.assert_array_equal(back.data[...], image)
