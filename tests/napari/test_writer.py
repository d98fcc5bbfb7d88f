"""Saving layers: what napari's own writer loses comes back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from dgno_core.errors import DGNOError
from dgno_core.io import Provenance, as_source, read_image
from dgno_core.io.provenance import SourceRecord, beside
from napari_dgno import save_layer
from napari_dgno._reader import read_result


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4000, (2, 5, 20, 24)).astype(np.uint16)


def record(data: np.ndarray) -> dict[str, Any]:
    return Provenance(
        version="0", created="2026-01-01T00:00:00+00:00", source=SourceRecord.of(as_source(data)),
        model="fake", tile=128, device="cpu", command="dgno restore in.tif -o out.tif",
    ).model_dump(mode="json")  # fmt: skip


def placed(data: np.ndarray, **more: Any) -> Any:
    from napari.layers import Image

    return Image(
        data, name="nuclei", axis_labels=("t", "z", "y", "x"), scale=(2.0, 0.5, 0.2, 0.25),
        translate=(0.0, 1.5, -3.0, 4.0), units=("s", "um", "um", "um"), colormap="green",
        contrast_limits=(100, 3000), **more,
    )  # fmt: skip


@pytest.mark.parametrize("ending", ["ome.tif", "ome.zarr"])
def test_napari_saves_and_opens_a_result_with_everything(
    tmp_path: Path, plugin: Any, stack: np.ndarray, ending: str
) -> None:
    from napari.components import ViewerModel

    path = tmp_path / f"restored.{ending}"
    made = record(stack)
    viewer = ViewerModel()
    viewer.add_layer(placed(stack, metadata={"dgno": made}))
    written = viewer.layers.save(str(path))
    assert written == [str(path), str(beside(path))]
    assert json.loads(beside(path).read_text()) == made

    (layer,) = viewer.open(path, plugin="napari-dgno")
    np.testing.assert_array_equal(np.asarray(layer.data), stack)
    assert layer.axis_labels == ("t", "z", "y", "x")
    np.testing.assert_allclose(layer.scale, (2.0, 0.5, 0.2, 0.25))
    np.testing.assert_allclose(layer.translate, (0.0, 1.5, -3.0, 4.0))
    assert [str(unit) for unit in layer.units] == ["second", *["micrometer"] * 3]
    assert layer.metadata["dgno"] == made


def test_our_writer_is_chosen_for_ome_names_and_naparis_own_for_the_rest(
    npe2pm: Any, plugin: Any
) -> None:
    from importlib.resources import files

    from npe2 import PluginManifest

    builtins = PluginManifest.from_file(Path(str(files("napari_builtins") / "builtins.yaml")))
    npe2pm.register(builtins)

    def chosen(name: str) -> str:
        writer, path = npe2pm.get_writer(name, ["image"])
        assert path == name
        return writer.plugin_name

    for name in ("a.ome.tif", "a.OME.TIFF", "a.ome.zarr", "b.c.ome.tif"):
        assert chosen(name) == "napari-dgno"
    for name in ("a.tif", "a.tiff", "a.png"):
        assert chosen(name) == "napari"


@pytest.mark.gui
def test_the_save_dialog_of_a_real_window(
    tmp_path: Path, napari_window: Any, stack: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qtpy.QtWidgets import QFileDialog

    layer = napari_window.add_layer(placed(stack, metadata={"dgno": record(stack)}))

    def saved(name: str, kind: str) -> set[str]:
        def choose(*args: Any, filter: str, **options: Any) -> tuple[str, str]:  # noqa: A002
            return str(tmp_path / name), next(k for k in filter.split(";;") if kind in k)

        before = set(os.listdir(tmp_path))
        monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
        napari_window.layers.selection = {layer}
        napari_window.window._qt_viewer._save_layers_dialog(selected=True)
        return set(os.listdir(tmp_path)) - before

    assert saved("a", "DGNO deblurring OME-TIFF") == {"a.ome.tif", "a.ome.tif.json"}
    assert saved("b", "DGNO deblurring OME-Zarr") == {"b.ome.zarr", "b.ome.zarr.json"}
    assert saved("c.ome.tif", "DGNO deblurring OME-TIFF") == {"c.ome.tif", "c.ome.tif.json"}
    assert saved("d.npz", "DGNO deblurring OME-TIFF") == {"d.npz"}
    assert read_image(tmp_path / "a.ome.tif").pixel_size["X"] == 0.25


def test_a_layer_in_pixels_keeps_its_scale_and_gets_no_unit(tmp_path: Path) -> None:
    from napari.layers import Image

    data = np.ones((3, 20, 24), np.uint8)
    layer = Image(data, name="a", scale=(4.0, 2.0, 2.0), translate=(0, 7, 8))
    for name in ("a.ome.tif", "a.ome.zarr"):
        (path,) = save_layer(layer, tmp_path / name)
        ((_, keywords, _),) = read_result(path)
        assert keywords["scale"] == (4.0, 2.0, 2.0)
        assert keywords["translate"] == (0.0, 7.0, 8.0)
        assert set(keywords["units"]) == {"pixel"}


def test_what_other_programs_read(tmp_path: Path, stack: np.ndarray) -> None:
    """The look and the place are where OME-XML and OME-Zarr have them."""
    import zarr

    layer = placed(stack)
    save_layer(layer, tmp_path / "a.ome.tif")
    save_layer(layer, tmp_path / "a.ome.zarr")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tiff:
        image = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"]
    assert image["Name"] == "nuclei"
    assert image["Pixels"]["PhysicalSizeX"] == 0.25
    assert image["Pixels"]["PhysicalSizeXUnit"] == "µm"
    assert image["Pixels"]["Channel"]["Name"] == "nuclei"
    assert image["Pixels"]["Channel"]["Color"] & 0xFFFFFFFF == 0x00FF00FF
    assert [plane["PositionZ"] for plane in image["Pixels"]["Plane"][:3]] == [1.5, 2.0, 2.5]
    ome: Any = zarr.open_group(tmp_path / "a.ome.zarr", mode="r").attrs["ome"]
    (scale, translation) = ome["multiscales"][0]["datasets"][0]["coordinateTransformations"]
    assert scale["scale"] == [2.0, 0.5, 0.2, 0.25]
    assert translation["translation"] == [0.0, 1.5, -3.0, 4.0]
    (channel,) = ome["omero"]["channels"]
    assert (channel["label"], channel["color"]) == ("nuclei", "00FF00")
    assert (channel["window"]["start"], channel["window"]["end"]) == (100, 3000)


@pytest.mark.parametrize("kind", ["rgb", "rgba", "multiscale", "dask", "bool", "half", "nan"])
def test_layers_of_every_kind(tmp_path: Path, kind: str) -> None:
    import dask.array as da
    from napari.layers import Image

    rng = np.random.default_rng(0)
    grey = rng.random((40, 48)).astype(np.float32)
    grey[3, 4] = np.nan if kind == "nan" else 0.5
    colours = rng.integers(0, 255, (40, 48, 4)).astype(np.uint8)
    data, expected = {
        "rgb": (colours[..., :3], colours[..., :3]),
        "rgba": (colours, colours),
        "multiscale": ([grey, grey[::2, ::2]], grey),
        "dask": (da.from_array(grey, chunks=16), grey),
        "bool": (grey > 0.5, (grey > 0.5).astype(np.uint8)),
        "half": (grey.astype(np.float16), grey.astype(np.float16).astype(np.float32)),
        "nan": (grey, grey),
    }[kind]
    for name in ("a.ome.tif", "a.ome.zarr"):
        save_layer(Image(data, name=kind), tmp_path / name)
        back = read_image(tmp_path / name)
        assert back.axes == ("YXS" if "rgb" in kind else "YX")
        assert back.dtype == expected.dtype
        np.testing.assert_array_equal(np.asarray(back.data), expected)


def test_saving_again_leaves_no_record_of_the_image_that_was_replaced(tmp_path: Path) -> None:
    from napari.layers import Image

    data = np.ones((20, 24), np.uint8)
    path = tmp_path / "a.ome.tif"
    save_layer(Image(data, metadata={"dgno": record(data)}), path)
    assert beside(path).exists()
    assert save_layer(Image(2 * data), path) == [str(path)]
    assert os.listdir(tmp_path) == ["a.ome.tif"]


def test_a_json_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    from napari.layers import Image

    data = np.ones((20, 24), np.uint8)
    other = tmp_path / "a.ome.tif.json"
    other.write_text('{"microscope": "Nikon"}')
    with pytest.raises(DGNOError, match=r"a\.ome\.tif\.json exists already"):
        save_layer(Image(data, metadata={"dgno": record(data)}), tmp_path / "a.ome.tif")
    save_layer(Image(data), tmp_path / "a.ome.tif")
    assert other.read_text() == '{"microscope": "Nikon"}'


def test_what_cannot_be_saved_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari.layers import Image

    said: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_warning", said.append)
    data = np.ones((20, 24), np.uint8)
    save_layer(Image(data, name="cells", rotate=30), tmp_path / "a.ome.tif")
    assert said == ["The rotation, shear and affine of 'cells' are not saved, only its scale."]
    with pytest.raises(DGNOError, match=r"end its name in \.ome\.tif or \.ome\.zarr"):
        save_layer(Image(data), tmp_path / "a.jpg")
    with pytest.raises(DGNOError, match=r"cannot hold pixels of type int64.*\.zarr"):
        save_layer(Image(data.astype(np.int64), name="cells"), tmp_path / "b.ome.tif")
    assert save_layer(Image(data), tmp_path / "c") == [str(tmp_path / "c.ome.tif")]
