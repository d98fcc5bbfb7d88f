"""Files that hold several images."""

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
from dgno_core.errors import DGNOError
from dgno_core.io import ImageSource, read_image


@pytest.fixture(params=["ome.tif", "tif", "zarr"])
def several(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[np.ndarray]]:
    """Return a file of three images of their own sizes, and these."""
    rng = np.random.default_rng(0)
    images = [
        rng.integers(0, 999, shape).astype(np.uint16)
        for shape in ((3, 20, 24), (24, 30), (2, 40, 32))
    ]
    path = tmp_path / f"a.{request.param}"
    if path.suffix == ".zarr":
        group = zarr.open_group(path, mode="w", zarr_format=3)
        group.attrs["ome"] = {"version": "0.5", "bioformats2raw.layout": 3}
        for number, image in enumerate(images):
            inner = group.create_group(str(number))
            array: Any = inner.create_array("0", shape=image.shape, dtype=image.dtype)
            array[:] = image
            axes = [{"name": name, "type": "space"} for name in "zyx"[-image.ndim :]]
            multiscale = {"axes": axes, "datasets": [{"path": "0"}]}
            inner.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}
    else:
        with tifffile.TiffWriter(path) as writer:
            for number, image in enumerate(images):
                metadata = {"axes": "ZYX"[-image.ndim :], "Name": f"field {number}"}
                writer.write(image, photometric="minisblack", metadata=metadata)
    return path, images


def pixels(source: ImageSource) -> np.ndarray:
    return source.read((slice(None),) * len(source.shape))


def test_each_can_be_read(several: tuple[Path, list[np.ndarray]]) -> None:
    path, images = several
    for number, image in enumerate(images):
        source = read_image(path, series=number)
        np.testing.assert_array_equal(pixels(source), image)
        assert source.warnings == (
            f"{path.name} holds 3 images, 0 to 2; number {number} is read. "
            "Choose another one with --series.",
        )
        if path.name.endswith(".ome.tif"):
            assert source.metadata.title == f"field {number}"
    np.testing.assert_array_equal(pixels(read_image(path)), images[0])


@pytest.mark.parametrize("number", [3, -1])
def test_one_that_is_not_there(several: tuple[Path, list[np.ndarray]], number: int) -> None:
    path, _ = several
    with pytest.raises(DGNOError, match=rf"holds 3 images, 0 to 2; there is no series {number}"):
        read_image(path, series=number)


def test_files_of_one_image(tmp_path: Path) -> None:
    image = np.zeros((20, 24), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image)
    (tmp_path / "planes").mkdir()
    tifffile.imwrite(tmp_path / "planes" / "a.tif", image)
    zarr.create_array(tmp_path / "a.zarr", shape=(20, 24), dtype="u1")
    for name in ("a.tif", "planes", "a.zarr"):
        assert read_image(tmp_path / name, series=0).warnings == ()
        with pytest.raises(DGNOError, match=r"holds one image, number 0; there is no series 1"):
            read_image(tmp_path / name, series=1)


def test_dgno_restore_series(several: tuple[Path, list[np.ndarray]], tmp_path: Path) -> None:
    path, images = several
    output = tmp_path / "restored.ome.tif"
    arguments = ["restore", str(path), "-o", str(output), "--device", "cpu", "--series"]
    done = CliRunner().invoke(app, [*arguments, "1"])
    assert done.exit_code == 0, done.output
    assert read_image(output).shape == images[1].shape
    record = json.loads((tmp_path / "restored.ome.tif.json").read_text())
    assert record["settings"]["series"] == 1
    assert "--series 1" in record["command"]
    assert any("number 1 is read" in warning for warning in record["warnings"])
    missing = CliRunner().invoke(app, [*arguments, "7", "--overwrite"])
    assert missing.exit_code == 2
    assert "there is no series 7" in missing.output
