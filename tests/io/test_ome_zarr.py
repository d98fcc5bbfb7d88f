from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from dgno_core.errors import DGNOError
from dgno_core.io import as_source, open_sink, read_image


def write(
    path: Path, image: np.ndarray, multiscale: dict[str, Any], *, version: str = "0.4"
) -> None:
    group = zarr.open_group(path, mode="w", zarr_format=2 if version < "0.5" else 3)
    for number, dataset in enumerate(multiscale["datasets"]):
        level = image[..., :: 2**number, :: 2**number]
        array: Any = group.create_array(dataset["path"], shape=level.shape, dtype=level.dtype)
        array[:] = level
    if version < "0.5":
        group.attrs["multiscales"] = [{"version": version, **multiscale}]
    else:
        group.attrs["ome"] = {"version": version, "multiscales": [multiscale]}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_level_0_with_axes_scale_and_units(tmp_path: Path, version: str) -> None:
    image = np.arange(2 * 3 * 20 * 24, dtype="u2").reshape(2, 3, 20, 24)
    axes = [
        {"name": "t", "type": "time", "unit": "second"},
        {"name": "z", "type": "space", "unit": "micrometer"},
        {"name": "y", "type": "space", "unit": "nanometer"},
        {"name": "x", "type": "space"},
    ]
    datasets = [
        {
            "path": f"level/{n}",
            "coordinateTransformations": [
                {"type": "scale", "scale": [1, 0.5, 100 * 2**n, 2**n]},
                {"type": "translation", "translation": [0, 0, 0, 0]},
            ],
        }
        for n in range(2)
    ]
    multiscale = {
        "axes": axes,
        "datasets": datasets,
        "coordinateTransformations": [{"type": "scale", "scale": [4, 1, 1, 1]}],
    }
    write(tmp_path / "a.zarr", image, multiscale, version=version)
    source = read_image(tmp_path / "a.zarr")
    assert source.axes == "TZYX"
    assert source.pixel_size == {"T": 4.0, "Z": 0.5, "Y": 100.0}
    assert source.units == {"T": "second", "Z": "micrometer", "Y": "nanometer"}
    np.testing.assert_array_equal(source.read((1, 2, slice(None), slice(None))), image[1, 2])


def test_axes_before_0_4(tmp_path: Path) -> None:
    image = np.zeros((1, 2, 3, 20, 20), "u1")
    write(tmp_path / "a.zarr", image, {"datasets": [{"path": "0"}]}, version="0.1")
    assert read_image(tmp_path / "a.zarr").axes == "TCZYX"
    multiscale = {"axes": ["c", "y", "x"], "datasets": [{"path": "0"}]}
    write(tmp_path / "b.zarr", image[0, :, 0], multiscale, version="0.3")
    assert read_image(tmp_path / "b.zarr").axes == "CYX"


def test_axes_with_names_of_their_own(tmp_path: Path) -> None:
    axes = [{"name": "wavelength", "type": "channel"}, {"name": "y"}, {"name": "x"}]
    write(tmp_path / "a.zarr", np.zeros((2, 20, 20)), {"axes": axes, "datasets": [{"path": "0"}]})
    assert read_image(tmp_path / "a.zarr").axes == "CYX"


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_bare_arrays(tmp_path: Path, zarr_format: Any) -> None:
    zarr.create_array(tmp_path / "a.zarr", shape=(4, 20, 20), dtype="u2", zarr_format=zarr_format)
    assert read_image(tmp_path / "a.zarr").axes == "ZYX"
    assert read_image(tmp_path / "a.zarr", "CYX").axes == "CYX"


def test_dimension_names_are_axes(tmp_path: Path) -> None:
    zarr.create_array(
        tmp_path / "a.zarr", shape=(4, 20, 20), dtype="u2", dimension_names=["c", "y", "x"]
    )
    assert read_image(tmp_path / "a.zarr").axes == "CYX"
    zarr.create_array(
        tmp_path / "b.zarr", shape=(4, 20, 20), dtype="u2", dimension_names=["lambda", "y", "x"]
    )
    assert read_image(tmp_path / "b.zarr").axes == "ZYX"


def test_a_group_with_one_array_and_one_with_two(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("only", shape=(4, 20, 20), dtype="u2")
    assert read_image(tmp_path / "a.zarr").shape == (4, 20, 20)
    group.create_array("other", shape=(4, 20, 20), dtype="u2")
    with pytest.raises(DGNOError, match=r"a\.zarr holds 2 arrays"):
        read_image(tmp_path / "a.zarr")


def test_a_plate_is_named_as_such(tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "a.zarr", mode="w").attrs["plate"] = {}
    with pytest.raises(DGNOError, match=r"a\.zarr is a plate"):
        read_image(tmp_path / "a.zarr")


@pytest.mark.parametrize("damage", ["metadata", "level", "chunk"])
def test_damage(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.zarr"
    axes = [{"name": name} for name in "zyx"]
    image = np.random.default_rng(0).integers(0, 9999, (2, 32, 32)).astype("u2")
    write(path, image, {"axes": axes, "datasets": [{"path": "0"}]}, version="0.5")
    if damage == "metadata":
        (path / "zarr.json").write_text('{"zarr_format": 3, "node_')
    elif damage == "level":
        (path / "0" / "zarr.json").unlink()
    else:
        for chunk in (path / "0" / "c").rglob("*"):
            if chunk.is_file():
                chunk.write_bytes(chunk.read_bytes()[:50])
    with pytest.raises(DGNOError, match=r"a\.zarr"):
        read_image(path).read((slice(None),) * 3)


@pytest.mark.parametrize(
    ("name", "axes", "shape", "size"),
    [
        ("image-02.zarr", "YX", (200, 200), {"Y": 1.0, "X": 1.0}),
        ("cyx_uint8.zarr", "CYX", (3, 16, 20), {}),
        (
            "xyz_8bit__mitotic_plate_calibrated.ome.zarr", "TCZYX", (1, 1, 6, 263, 263),
            {"T": 1.0, "Z": 3.0, "Y": 0.08519643016734027, "X": 0.08519643016734027},
        ),
    ],
)  # fmt: skip
def test_real_stores(
    shared_data: Path, name: str, axes: str, shape: tuple[int, ...], size: dict[str, float]
) -> None:
    source = read_image(shared_data / "reader-samples" / name)
    assert (source.axes, source.shape, source.pixel_size) == (axes, shape, size)
    assert source.read((slice(None),) * len(shape)).std() > 0


def test_axes_that_do_not_fit_the_array_are_counted(tmp_path: Path) -> None:
    axes = [{"name": name, "unit": "micrometer"} for name in "tzyx"]
    write(tmp_path / "a.zarr", np.zeros((3, 20, 20)), {"axes": axes, "datasets": [{"path": "0"}]})
    with pytest.raises(DGNOError, match=r"a\.zarr has 3 dimensions .* 'TZYX' name 4"):
        read_image(tmp_path / "a.zarr")
    assert read_image(tmp_path / "a.zarr", "ZYX").axes == "ZYX"


def test_axes_that_the_user_gives_are_those_of_the_store(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    source = as_source(image, "YXS")
    sink = open_sink(tmp_path / "c.ome.zarr", source, source.dtype)
    sink.write((slice(None),) * 3, image)
    sink.close()
    assert (read_image(tmp_path / "c.ome.zarr").axes, source.axes) == ("YXS", "YXS")
    given = read_image(tmp_path / "c.ome.zarr", "CYX")
    assert (given.axes, given.shape) == ("CYX", (3, 40, 50))
    np.testing.assert_array_equal(given.read((1, slice(None), slice(None))), image[..., 1])
