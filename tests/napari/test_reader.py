"""Folders of planes and results with their provenance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from dgno_core.io import as_source
from napari_dgno._reader import get_reader


def record_for(path: Path, data: np.ndarray) -> Any:
    from dgno_core.io.provenance import Provenance, SourceRecord

    record = Provenance(
        version="0", created="2026-01-01T00:00:00+00:00",
        source=SourceRecord.of(as_source(data)), model="dgno-cell-small", tile=128, device="cpu",
        command="dgno restore in.tif -o out.tif",
    )  # fmt: skip
    record.write_beside(path)
    return record


def test_bbbc006_folder_is_one_z_stack(tmp_path: Path, plugin: Any) -> None:
    from napari.components import ViewerModel

    planes = {}
    for z in (0, 2, 10, 16):
        planes[z] = np.full((32, 40), z, np.uint16)
        name = f"{z:02d}_mcf-z-stacks-03212011_a01_s1_w12703a47b-7574-461a-85e2-afc38bc0adae.tif"
        tifffile.imwrite(tmp_path / name, planes[z])
    viewer = ViewerModel()
    (layer,) = viewer.open(tmp_path, plugin="napari-dgno")
    assert layer.data.shape == (4, 32, 40)
    assert [int(np.asarray(plane).max()) for plane in layer.data] == [0, 2, 10, 16]
    assert layer.axis_labels == ("z", "y", "x")
    assert layer.name == tmp_path.name


def test_bbbc006_folder_of_plane_folders(tmp_path: Path) -> None:
    for z in (0, 1, 2):
        folder = tmp_path / f"BBBC006_v1_images_z_{z:02d}"
        folder.mkdir()
        name = "mcf-z-stacks-03212011_a01_s1_w12703a47b-7574-461a-85e2-afc38bc0adae.tif"
        tifffile.imwrite(folder / name, np.full((32, 40), z, np.uint16))
    reader = get_reader(str(tmp_path))
    assert reader is not None
    ((data, keywords, _),) = reader(str(tmp_path))
    assert data.shape == (3, 32, 40)
    assert keywords["axis_labels"] == ("z", "y", "x")


def test_folder_of_colour_planes(tmp_path: Path) -> None:
    from skimage.io import imsave

    for z in range(3):
        imsave(tmp_path / f"plane{z}.png", np.full((32, 40, 3), z, np.uint8), check_contrast=False)
    ((data, keywords, kind),) = get_reader(str(tmp_path))(str(tmp_path))
    assert (data.shape, keywords["rgb"], kind) == ((3, 32, 40, 3), True, "image")
    assert keywords["axis_labels"] == ("z", "y", "x")


def test_result_comes_with_its_provenance(tmp_path: Path, plugin: Any) -> None:
    from napari.components import ViewerModel

    data = np.arange(2 * 32 * 40, dtype=np.uint16).reshape(2, 32, 40)
    path = tmp_path / "cells-restored.ome.tif"
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm",
                "PhysicalSizeY": 0.25, "PhysicalSizeYUnit": "µm"}  # fmt: skip
    tifffile.imwrite(path, data, metadata=metadata)
    record = record_for(path, data)
    viewer = ViewerModel()
    (layer,) = viewer.open(path, plugin="napari-dgno")
    np.testing.assert_array_equal(np.asarray(layer.data), data)
    assert layer.metadata["dgno"] == json.loads(record.model_dump_json())
    np.testing.assert_allclose(layer.scale[1:], 0.25)
    assert str(layer.units[-1]) == "micrometer"


def test_what_is_not_ours_is_declined(tmp_path: Path) -> None:
    image = tmp_path / "image.tif"
    tifffile.imwrite(image, np.zeros((32, 32), np.uint16))
    empty = tmp_path / "empty"
    empty.mkdir()
    store = tmp_path / "image.zarr"
    store.mkdir()
    for name in ("zarr.json", "a.png", "b.png"):
        (store / name).touch()
    one = tmp_path / "one"
    one.mkdir()
    (one / "a.png").touch()
    for path in (image, empty, store, one, tmp_path / "missing.tif"):
        assert get_reader(str(path)) is None, path
    assert get_reader([str(image), str(image)]) is None


def test_a_json_of_somebody_else_is_no_provenance(tmp_path: Path) -> None:
    image = tmp_path / "image.tif"
    tifffile.imwrite(image, np.zeros((32, 32), np.uint16))
    (tmp_path / "image.tif.json").write_text('{"microscope": "Nikon"}')
    assert get_reader(str(image)) is None


def test_declining_does_not_need_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from napari_dgno._reader import get_reader; "
        f"get_reader({str(tmp_path)!r}); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "False"
